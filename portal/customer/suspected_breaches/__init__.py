"""A customer suspects a breach: a critical request, and 24 hours in which we say whether it is one."""
