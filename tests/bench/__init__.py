"""How fast a check is, beside a bare Flask echo and Cerbos; how it holds a steady load; how it grows.

`make bench`, or `python -m tests.bench compare --quick`. Everything runs on this machine, on servers of its own.
"""
