"""The roof of the house: one mobile brand from one file."""
