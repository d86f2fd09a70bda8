"""What becomes of an organization, for whoever goes by it: sent in the transaction in which it happens."""

import blinker

details_changed = blinker.Signal()
"""Of its id, with `now`."""

closing_began = blinker.Signal()
"""Of its id, with `by` and `now`."""
