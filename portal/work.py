"""What the portal leaves to the worker, and the gauges that are read at a scrape: known once they are imported."""

from portal import forgetting
from portal.applications import jobs as application_jobs
from portal.keys import jobs as key_jobs
from portal.launch import jobs as launch_jobs
from portal.notifications import figures as notification_figures
from portal.notifications import jobs as notification_jobs
from portal.offboarding import jobs as offboarding_jobs
from portal.plan import jobs as plan_jobs
from portal.status import jobs as status_jobs
from portal.status import metrics as status_metrics
from portal.support import jobs as support_jobs

JOBS = (
    application_jobs,
    forgetting,
    key_jobs,
    launch_jobs,
    notification_jobs,
    offboarding_jobs,
    plan_jobs,
    status_jobs,
    support_jobs,
)
GAUGES = (notification_figures, status_metrics)
