"""Mail that comes in: kept as it came by the web, read by the worker, seen by an operator if not understood."""
