"""Is it up, what happened, and what we promised to say: the status page, incidents, maintenance and breaches."""
