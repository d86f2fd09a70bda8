"""The customer's pages, from signing in to leaving. A folder announces what becomes of what is its own."""
