"""A software phone: an eUICC that checks everything, and the assistant (LPA) that downloads profiles to it."""
