"""TAP 3.12, the file in which networks charge each other for roaming: read, checked against itself, written back.

The format is the GSMA's (TD.57); its schema is pycrate's. Findings are ours, with codes after the habit of TD.57.
"""
