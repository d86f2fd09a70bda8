"""Support: requests, the clocks that run on them, and those who answer."""
