"""The essential figures for operators: how the service does against its targets, and how each customer gets on."""
