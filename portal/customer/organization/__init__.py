"""The organization: its details, how long its log is kept, taking the data out, closing the account."""
