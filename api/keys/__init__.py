"""API keys: their format, what they may do, how they are made, rotated and revoked."""
