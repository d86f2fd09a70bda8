"""Policies as signed bundles, by which an SDK decides in the customer's own program."""
