"""Pools: the profiles and numbers a brand owns, and who holds each."""
