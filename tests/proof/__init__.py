"""Which tests prove which requirement, as a table; `python -m tests.proof` writes the document of it."""
