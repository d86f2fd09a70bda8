"""The companies that process data for our customers: one register, changes announced, and a right to object."""
