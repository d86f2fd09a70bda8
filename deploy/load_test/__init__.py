"""How much the service bears: `python -m deploy.load_test PROFILE`."""
