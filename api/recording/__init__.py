"""The record: a decision that a client has seen is durable. Group commits, a local spool, and the way back from it."""
