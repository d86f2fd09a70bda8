"""The operators' handbook, read from docs/operators and filled in with the figures of this software."""
