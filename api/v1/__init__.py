"""The public HTTP edge: addresses, shapes of requests and responses, limits in headers, and their description."""
