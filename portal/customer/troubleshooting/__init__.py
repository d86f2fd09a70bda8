"""The five commonest troubles, looked for in the organization's own state."""
