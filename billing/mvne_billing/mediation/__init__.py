"""How usage comes in: read, told apart from duplicates, priced, booked, or put aside with its reason."""
