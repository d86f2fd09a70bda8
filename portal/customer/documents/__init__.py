"""Documents: read by anybody, accepted by whoever may sign, with the history of both."""
