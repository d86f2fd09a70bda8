"""For how long something is kept, where the room that keeps it and the one that promises it may not know each other."""

DEFAULT_RETENTION_DAYS = 90
SHORTEST_RETENTION_DAYS = 30
LONGEST_RETENTION_DAYS = 1_095
"""Of decisions, as an organization may set it."""
HIGH_RISK_RETENTION_DAYS = 183
"""Six months: EU AI Act, Articles 19 and 26(6)."""

PAYMENT_EVENT_DAYS = 30
"""As long as Stripe itself lists its events."""
FAILED_PAYMENT_EVENT_DAYS = 90
"""So long one that could not be processed can be tried again."""
