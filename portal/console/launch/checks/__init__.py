"""What the running system looks at, by the names that items use."""

from portal.console.launch.checks import (
    configuration,
    customers,
    data,
    evidence,
    money,
    monitoring,
    operations,
    outside,
    promises,
)
from portal.console.launch.verdicts import CheckFunction

CHECKS: dict[str, CheckFunction] = {
    **configuration.CHECKS,
    **data.CHECKS,
    **outside.CHECKS,
    **monitoring.CHECKS,
    **promises.CHECKS,
    **operations.CHECKS,
    **money.CHECKS,
    **evidence.CHECKS,
    **customers.CHECKS,
}
