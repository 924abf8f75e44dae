"""What the protocols of charging share: whose use it is, what was measured, where the phone is."""
