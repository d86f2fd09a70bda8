"""The launch board and the routine checklists: what the system sees for itself, and what a named person confirms."""
