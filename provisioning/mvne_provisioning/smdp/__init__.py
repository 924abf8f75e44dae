"""The SM-DP+: the server that keeps eSIM profiles and hands them to phones (GSMA SGP.22)."""
