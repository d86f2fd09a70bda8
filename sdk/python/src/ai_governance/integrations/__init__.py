"""Checks in front of the calls that other libraries make. Each reads facts about a call, and never its content."""
