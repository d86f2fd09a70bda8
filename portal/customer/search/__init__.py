"""One search for all that the visitor can open: pages, API keys, decisions, policies and members."""
