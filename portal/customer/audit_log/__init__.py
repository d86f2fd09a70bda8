"""The audit log: who did what, when and from where. What operators do is on it as well."""
