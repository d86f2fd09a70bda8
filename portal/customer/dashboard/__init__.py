"""The dashboard: what was asked and answered, how near the limit, and what needs attention."""
