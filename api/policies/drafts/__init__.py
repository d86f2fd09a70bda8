"""Drafts of policies: changed and looked at without effect, and published as a version."""
