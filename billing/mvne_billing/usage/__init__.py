"""Usage records: what a line used, when, where and whom it called; duplicates and suspense."""
