"""Rating in bulk: a tariff as one typed definition that DuckDB or Spark runs, every row equal to the reference."""
