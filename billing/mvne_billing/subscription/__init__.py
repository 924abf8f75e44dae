"""What a subscriber is billed for, from when, in which periods."""
