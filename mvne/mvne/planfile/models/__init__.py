"""The shape of a plan file, key by key: one module per part of the file.

What the values mean is decided when it is compiled. The descriptions are what an editor shows when the mouse rests on a
key, and what the pages drawn from the code say.
"""
