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
        "immediately",
        (
            Item("confirm.health", "Open /health/ready and find the failing component."),
            Item("confirm.dashboard", "Check the probes on the status page and the metrics in the console."),
            Item("confirm.errors", "Check the error tracker for new errors."),
            Item("confirm.graphs", "Check the dashboards for error rate, latency and saturation."),
            Item("confirm.customers", "Record how many customers are affected."),
        ),
    ),
    Step(
        "Notify",
        "within 15 minutes",
        (
            Item("notify.team", "Post in the team's incident channel: component, severity, start time, incident lead."),
            Item("notify.public", "Publish the first notice with the impact and the time of the next update."),
        ),
    ),
    Step(
        "Investigate",
        "in parallel",
        (
            Item("investigate.logs", "Read the logs of the web server and the worker."),
            Item("investigate.database", "Check that the database is reachable and has free connections."),
            Item("investigate.redis", "Check that Redis is reachable and has free memory."),
            Item("investigate.deploys", "Check what was deployed in the last hour."),
            Item("investigate.disk", "Check free disk space. The spool needs it."),
            Item("investigate.memory", "Check free memory."),
        ),
    ),
    Step(
        "Fix",
        "as applicable",
        (
            Item("fix.database", "Database: restart it, or restore the last verified backup."),
            Item("fix.redis", "Redis: resize or restart it. Limits are counted in memory until it is back."),
            Item("fix.code", "Code: roll back to the last release, or deploy a fix tested on another machine."),
            Item("fix.limiter", "Limits: set a plan with a higher limit for affected customers, with an end date."),
        ),
    ),
    Step(
        "Communicate",
        "every 15 minutes if critical, every 30 if major, every 2 hours if minor",
        (
            Item(
                "communicate.updates",
                "Each update states progress, next steps, expected resolution and workarounds.",
            ),
        ),
    ),
    Step(
        "Recover",
        "monitor for 30 minutes",
        (
            Item("recover.api", "The API responds normally and probes pass."),
            Item("recover.smoke", "A real check with a real API key succeeded and is in the decision log."),
            Item("recover.watch", "Metrics were monitored for 30 minutes."),
            Item(
                "recover.all_clear",
                "The final update covers status, events, cause, fix, impact and where the post-mortem will be.",
            ),
        ),
    ),
    Step(
        "Post-mortem",
        "within 24 hours",
        (
            Item("review.engineering", "The post-mortem was shared with engineering."),
            Item("review.product", "The post-mortem was shared with product."),
            Item("review.customers", "The post-mortem was published on the status page."),
        ),
    ),
)

BREACH_STEP = Step(
    "Breach",
    "notify customers within 24 hours",
    (
        Item("breach.isolate", "Contain: revoke the credentials used and close the entry point."),
        Item("breach.assess", "Assess scope and severity: whose data, which data, since when."),
        Item("breach.notify", "Notify every affected customer, with follow-up notices if details are missing."),
        Item("breach.remediate", "Fix the damage and its cause."),
        Item("breach.document", "Record facts, effects and measures in the register."),
        Item("breach.audit", "Investigate how it happened, and send the report."),
    ),
)

CODES = frozenset(item.code for step in (*STEPS, BREACH_STEP) for item in step.items)
