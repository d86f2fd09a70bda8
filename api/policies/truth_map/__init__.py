"""A map of a policy: what comes of each combination of the facts that matter to it."""
