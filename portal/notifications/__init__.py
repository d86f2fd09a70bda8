"""Telling people and programs what happened: by mail, in Slack and by signed webhooks, with a log of each delivery."""
