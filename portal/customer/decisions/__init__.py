"""The decision log for people: found, explained, exported, and tried out."""
