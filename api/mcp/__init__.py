"""The MCP server: how agents ask before they act. It answers by our own HTTP API, with the caller's key.

It is a process of its own and has no other way to the data; nothing of the service imports it.
"""
