"""What the portal leaves to the worker, the gauges that are read at a scrape, and what is looked at: known
once they are imported."""

from core.jobs import jobs
from portal import retention
from portal.console.launch import jobs as launch_jobs
from portal.console.launch.schedules import jobs as launch_schedule_jobs
from portal.console.safeguards import database, launch, service
from portal.console.suspected_breaches import metrics as suspicion_metrics
from portal.customer.applications import jobs as application_jobs
from portal.customer.keys import jobs as key_jobs
from portal.customer.offboarding import jobs as offboarding_jobs
from portal.customer.plan import jobs as plan_jobs
from portal.customer.policies import jobs as policy_jobs
from portal.feedback import jobs as feedback_jobs
from portal.notifications import figures as notification_figures
from portal.notifications import jobs as notification_jobs
from portal.status import jobs as status_jobs
from portal.status import metrics as status_metrics
from portal.support import jobs as support_jobs

JOBS = (
    application_jobs,
    feedback_jobs,
    retention,
    key_jobs,
    launch_jobs,
    launch_schedule_jobs,
    notification_jobs,
    offboarding_jobs,
    plan_jobs,
    policy_jobs,
    status_jobs,
    support_jobs,
)
_MOVED = {
    "portal.customer.applications.jobs": "portal.applications.jobs",
    "portal.customer.keys.jobs": "portal.keys.jobs",
    "portal.customer.plan.jobs": "portal.plan.jobs",
    "portal.customer.offboarding.jobs": "portal.organization.jobs",
    "portal.console.launch.jobs": "portal.launch.jobs",
    "portal.status.emails": "portal.status.letters",
    "portal.support.operator_alerts": "portal.support.news",
    "portal.support.inbound.storing": "portal.support.inbound.keeping",
    "portal.retention": "portal.forgetting",
}
"""Where tasks are, and where they were: jobs that the release before left are done by this one."""


def _answer_to_former_names() -> None:
    for task in {task.name: task for task in jobs.tasks.values()}.values():
        place, _, name = task.name.rpartition(".")
        if place in _MOVED:
            jobs.add_task_alias(task, f"{_MOVED[place]}.{name}")


_answer_to_former_names()

GAUGES = (notification_figures, status_metrics, suspicion_metrics)

SAFEGUARDS = (database, launch, service)
"""How measures of the Data Processing Agreement are seen."""
