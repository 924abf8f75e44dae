"""Orders: what takes a line from sold to active, and changes or ends it, as recorded, resumable, compensating steps."""
