"""The five most common problems, checked in the organization's own state."""
