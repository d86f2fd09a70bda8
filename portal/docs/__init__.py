"""The documentation: guides, the reference of the API, problems, a search through all of it, a check to try."""
