"""Drafts on their pages: written, looked at, rebased, published."""
