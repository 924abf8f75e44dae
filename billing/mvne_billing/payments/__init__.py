"""Taking money: the gateway port, Stripe behind it, and the simulated Stripe that stands in for it offline."""
