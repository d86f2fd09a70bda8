"""The seven steps of an incident and the six of a breach, as a checklist. Imports no database."""

import msgspec


class Item(msgspec.Struct, frozen=True):
    code: str
    words: str


class Step(msgspec.Struct, frozen=True):
    title: str
    due: str
    items: tuple[Item, ...]


STEPS = (
    Step(
        "Confirm",
        "at once",
        (
            Item("confirm.health", "Open /health/ready: which component fails?"),
            Item("confirm.dashboard", "Look at the probes on the status page and at the figures of the console."),
            Item("confirm.errors", "Look at the error tracker: what is new?"),
            Item("confirm.graphs", "Look at the dashboards: error ratio, latency, saturation."),
            Item("confirm.customers", "Write down how many customers are hit."),
        ),
    ),
    Step(
        "Notify",
        "within 15 minutes",
        (
            Item("notify.team", "Tell the team's incident channel: component, severity, since when, who leads."),
            Item("notify.public", "Publish the first notice with the impact and the time of the next update."),
        ),
    ),
    Step(
        "Investigate",
        "in parallel",
        (
            Item("investigate.logs", "Read the logs of the web server and the worker."),
            Item("investigate.database", "Is the database reachable, and has it connections left?"),
            Item("investigate.redis", "Is Redis reachable, and has it memory left?"),
            Item("investigate.deploys", "What was deployed in the last hour?"),
            Item("investigate.disk", "Is there room on the disks? The spool needs it."),
            Item("investigate.memory", "Is there memory left?"),
        ),
    ),
    Step(
        "Fix",
        "one of these",
        (
            Item("fix.database", "Database: restart it, or restore the last verified backup."),
            Item("fix.redis", "Redis: enlarge or restart it; limits are counted in memory meanwhile."),
            Item("fix.code", "Code: go back to the last release, or fix it after a test on a local machine."),
            Item("fix.limiter", "Limits: raise them for a while for those they keep out."),
        ),
    ),
    Step(
        "Communicate",
        "every 15 minutes if critical, every 30 if major",
        (Item("communicate.updates", "Each update says progress, next steps, expected end, what customers can do."),),
    ),
    Step(
        "Recover",
        "watch for 30 minutes",
        (
            Item("recover.api", "The API answers as usual: the probes are green."),
            Item("recover.smoke", "A real check with a real key was answered and is in the decision log."),
            Item("recover.watch", "The figures were watched for 30 minutes."),
            Item(
                "recover.all_clear",
                "The all-clear says status, what, cause, fix, impact and where the review will be.",
            ),
        ),
    ),
    Step(
        "Review",
        "within 24 hours",
        (
            Item("review.engineering", "The review was shared with engineering."),
            Item("review.product", "The review was shared with product."),
            Item("review.customers", "The review was shared with customers, on the status page."),
        ),
    ),
)

BREACH_STEP = Step(
    "Breach",
    "customers within 24 hours",
    (
        Item("breach.isolate", "Isolate: revoke what was used to get in, and close the way."),
        Item("breach.assess", "Assess the scope and the severity: whose data, which data, since when."),
        Item("breach.notify", "Tell every affected customer, in phases if not all is known."),
        Item("breach.remediate", "Repair the damage and its cause."),
        Item("breach.document", "Write down facts, effects and measures: they make the register."),
        Item("breach.audit", "Examine afterwards how it could happen, and send the report."),
    ),
)

CODES = frozenset(item.code for step in (*STEPS, BREACH_STEP) for item in step.items)
