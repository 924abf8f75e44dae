"""What is sold and at what price: money, periods, tariffs, catalogue. Pure: no I/O."""
