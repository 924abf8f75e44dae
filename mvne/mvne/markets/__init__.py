"""What a country expects of a mobile brand: numbering, currency, tax, zones and law, as data in one pack per market."""
