"""Charging over HTTP: 3GPP TS 32.291, Nchf_ConvergedCharging version 3."""
