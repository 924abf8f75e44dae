"""Double entry: what happened to money, and never anything else."""
