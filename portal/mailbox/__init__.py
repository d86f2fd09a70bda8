"""The local mailbox of a trial: where mail goes as long as no SMTP server is set. It does not exist in production."""
