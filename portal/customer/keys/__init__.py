"""API keys for people: made, rotated, revoked; their secrets shown once."""
