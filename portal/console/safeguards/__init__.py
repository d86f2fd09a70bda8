"""How each technical measure of the Data Processing Agreement is seen in the running service."""
