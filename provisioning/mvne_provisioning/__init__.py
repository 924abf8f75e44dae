"""eSIM profiles, numbers and host networks: how a line is brought to life."""
