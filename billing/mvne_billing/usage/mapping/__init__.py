"""The host's own CSV: a mapping says which of its columns is what, in which units, and which rows are no usage."""
