"""For how long something is kept, where the room that keeps it and the one that promises it may not know each other."""

PAYMENT_EVENT_DAYS = 30
"""As long as Stripe itself lists its events."""
FAILED_PAYMENT_EVENT_DAYS = 90
"""So long one that could not be processed can be tried again."""
