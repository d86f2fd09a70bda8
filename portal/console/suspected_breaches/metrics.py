"""What the pager hears of suspected breaches."""

from core.clock import utc_now
from core.observability import Reading, gauge_at_scrape
from portal.console.suspected_breaches import services


@gauge_at_scrape("aig_suspected_breaches_pressing", "Suspected breaches not assessed, with under 6 hours left.")
def suspected_breaches_pressing() -> list[Reading]:
    return [({}, services.pressing(now=utc_now()))]
