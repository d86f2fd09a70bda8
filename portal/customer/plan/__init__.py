"""The plan page: what an organization has and why, what it uses, what there is besides."""
