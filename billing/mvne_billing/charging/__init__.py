"""Charging while a service is used: sessions that reserve before they spend, exact, durable and fast."""
