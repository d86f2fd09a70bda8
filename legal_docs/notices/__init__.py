"""Notices to an organization: written to everybody who should know, and counted from the day they provably left."""
