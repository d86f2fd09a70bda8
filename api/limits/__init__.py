"""How many requests a key may make in a minute: exactly, in Redis for all processes or in the memory of one."""
