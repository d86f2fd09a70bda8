"""The record of processing activities, Article 30 GDPR: made from what is on record, never typed."""
