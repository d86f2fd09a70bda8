"""People: how they sign up, prove who they are, and see and end their sessions."""
