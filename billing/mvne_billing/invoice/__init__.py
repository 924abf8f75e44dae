"""Invoices: drafted from what is due, numbered without gaps, never changed."""
