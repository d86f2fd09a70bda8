"""Deciding in this process, by policies that the service signed. Needs the extra `local` and Python 3.11."""
