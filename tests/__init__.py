"""Tests mirror the rooms. `journeys` run the whole service, `faults` kill it, `contract` checks its description."""
