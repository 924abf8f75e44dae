"""BER (ITU-T X.690): the octets of TAP and of 3GPP charging records, read without trust and written minimally."""
