"""The log a second time, in ClickHouse, for what PostgreSQL answers slowest. PostgreSQL stays the authority.

The store may be lost, and is filled again from PostgreSQL. What it says is only believed as far as it is fed; the rest,
and every row that is shown, comes from PostgreSQL.
"""
