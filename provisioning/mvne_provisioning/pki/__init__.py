"""Certificates of eSIM (GSMA SGP.22, SGP.26): who a card, its maker and a server are, and who says so."""
