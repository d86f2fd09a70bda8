"""The decision log: every answer given, by whom it was asked, why it was so. Append-only, and gone when it is due."""
