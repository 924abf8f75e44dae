"""Charging over Diameter: the Gy reference point, RFC 8506 with the additions of 3GPP TS 32.299."""
