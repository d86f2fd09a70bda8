"""Help: the guides for customers, read from docs/customers and filled in with the figures of this software."""
