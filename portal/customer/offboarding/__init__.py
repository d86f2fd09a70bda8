"""Leaving: data is taken out, an account closed, a person forgotten. It stands above all that holds their data."""
