"""Benchmarks: each prints what it measured, its peak memory, and the ratio to a baseline of the same run."""
