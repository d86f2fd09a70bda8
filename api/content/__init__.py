"""Content is refused: what a request may not carry, however it is dressed."""
