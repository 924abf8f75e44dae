"""Charging data records of 3GPP (TS 32.298, ASN.1 in BER), one after another or in the files of TS 32.297."""
