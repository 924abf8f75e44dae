"""From the shape of a plan file to a typed brand: one module per part of the file, each noting what cannot be meant."""
