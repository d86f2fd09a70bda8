"""Replays as the worker's job for the impact of a draft does them, and nothing else that a worker does.

`python -m tests.bench.replaying ORGANIZATION`, with the service's settings in the environment, begins another one when
the last is over.
"""

import sys
from typing import NoReturn
from uuid import UUID

from api.decisions.impact import services as impacts
from api.decisions.impact.jobs import analyze_impact
from api.decisions.impact.services import Impact
from api.policies.drafts import services as drafts
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_for, transaction
from tests.bench import question
from wsgi import create_app

RULES = 20
_NEW_RULE = {
    "code": "new",
    "when": {"all": ['department == "department-3"', "dataset_record_count > 2000"]},
    "message": "It is new.",
    "on_missing": "skip",
}


def requested(organization_id: UUID) -> Impact:
    """Of a new draft with another rule and other points."""
    now = utc_now()
    draft = drafts.create(organization_id, name="Measured", note="", by=COMMAND_LINE, now=now)
    values = {"rules": [*question.our_rules(RULES), _NEW_RULE], "points_large_dataset": 40}
    draft = drafts.change(organization_id, draft, values, expected_revision=1, by=COMMAND_LINE, now=now)
    return impacts.request(organization_id, draft, days=7, by=COMMAND_LINE, now=now)


def replay_for_ever(organization_id: UUID) -> NoReturn:
    with create_app().app_context():
        while True:
            with acting_for(organization_id), transaction():
                impact = requested(organization_id)
            analyze_impact(organization_id=str(organization_id), impact_id=str(impact.id))


if __name__ == "__main__":
    replay_for_ever(UUID(sys.argv[1]))
