"""What the running system looks at, by the names that items use."""

from portal.launch.checks import configuration, customers, data, evidence, money, operations, outside, promises
from portal.launch.verdicts import Look

CHECKS: dict[str, Look] = {
    **configuration.CHECKS,
    **data.CHECKS,
    **outside.CHECKS,
    **promises.CHECKS,
    **operations.CHECKS,
    **money.CHECKS,
    **evidence.CHECKS,
    **customers.CHECKS,
}
