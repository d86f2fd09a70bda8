"""What becomes of people, for whoever goes by it: sent in the transaction in which it happens."""

import blinker

organization_founded = blinker.Signal()
"""Of the new organization's id, with `now`."""

address_changed = blinker.Signal()
"""Of the user, who has the new address, with `former`."""
