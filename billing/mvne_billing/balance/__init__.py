"""Prepaid money: balances, the lots they are made of, and everything that people do with them."""
