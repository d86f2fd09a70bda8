"""Counting live checks for the plans: the decision log is the truth, and billing keeps what was counted."""
