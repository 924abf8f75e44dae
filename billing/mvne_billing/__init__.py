"""From usage to price, ledger, invoice and payment."""
