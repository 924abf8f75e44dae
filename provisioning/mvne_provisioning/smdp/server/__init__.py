"""An SM-DP+ of its own: profiles in a store, the operator's ES2+ and the phones' ES9+ over HTTP (GSMA SGP.22 v2)."""
