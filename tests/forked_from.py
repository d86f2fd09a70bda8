"""What the process loads that programs are forked from: nobody imports this but that process."""

from tests import forked

forked.load()
