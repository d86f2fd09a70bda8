"""How the service is shipped, and how much it bears."""
