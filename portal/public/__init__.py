"""The site for everybody who has no account: what it is, what it costs, why to trust it, and a check to try."""
