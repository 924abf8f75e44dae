"""From a usage record and a tariff to a price and a cost."""
