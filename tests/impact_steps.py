"""A worker's steps through an impact, without its pauses and its transactions."""

from datetime import datetime

from api.decisions.impact.analysis import ROWS_AT_ONCE, Analysis


def step(analysis: Analysis, *, now: datetime, size: int = ROWS_AT_ONCE) -> bool:
    """Looks at the next decisions; whether there may be more. The caller commits."""
    part = analysis.read(size=size)
    if part is None:
        return False
    analysis.judge(part)
    return analysis.keep(part, now=now)
