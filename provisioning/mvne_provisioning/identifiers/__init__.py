"""The numbers that name cards, lines, phones and networks: one standard, one file."""
