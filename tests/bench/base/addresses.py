"""What is asked of the base: addresses with what has to be known in braces."""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.decisions.models import Decision
from core.clock import utc_now
from core.db import db
from core.ids import public_id

PORTAL = (
    "/dashboard",
    "/dashboard?span=month",
    "/dashboard/figures",
    "/dashboard/figures?span=week",
    "/dashboard/figures?span=month",
    "/decisions",
    "/decisions?cursor={old_decision}",
    "/decisions?model=gpt-4o&period=month",
    "/decisions?model=no-such-model",
    "/decisions?operation=no-such-operation",
    "/decisions?reason=rule_1",
    "/decisions?reason=no-such-reason",
    "/decisions?department=no-such-department",
    "/decisions?application=app-3&allowed=false",
    "/decisions?application=no-such-application",
    "/decisions?key={key}",
    "/decisions?key={no_key}",
    "/decisions?subject=nobody-known",
    "/decisions?allowed=false",
    "/decisions?environment=test&reason=rule_2",
    "/decisions/values",
    "/decisions/search?q={request}",
    "/decisions/search?q={no_request}",
    "/decisions/search?q={decision}",
    "/decisions/{decision}",
    "/keys",
    "/keys?q=service-77",
    "/keys/{key_uuid}",
    "/team",
    "/team?q=member-77",
    "/audit-trail",
    "/audit-trail?action=decisions.exported",
    "/audit-trail?action=no.such",
    "/audit-trail?from=2020-01-01&to=2020-01-02",
    "/policies",
    "/policies/versions",
    "/plan",
    "/plan/invoices",
    "/search?q=service",
    "/search?q=member-7",
    "/start",
    "/organization",
    "/organization/notifications",
    "/organizations",
    "/help/checks",
    "/help/checks/page",
    "/help/checks/key",
    "/help/checks/limit",
    "/help/checks/blocked",
    "/help/checks/log",
    "/documents",
    "/documents/report",
    "/documents/report/{year}",
    "/documents/measures",
    "/support",
    "/legal/accept",
    "/try-it",
)
CONSOLE = (
    "/console",
    "/console/applications",
    "/console/organizations",
    "/console/organizations?q=filled",
    "/console/organizations?q=member-7",
    "/console/organizations/{organization}",
    "/console/organizations/{organization}/audit-trail",
    "/console/figures",
    "/console/billing",
    "/console/documents",
    "/console/sub-processors",
    "/console/breaches",
    "/console/mail",
    "/console/support",
    "/console/launch",
    "/console/launch/watch",
    "/console/launch/watch/{organization}",
    "/console/feedback",
    "/console/feedback/organizations/{organization}",
    "/console/incidents",
    "/console/notifications",
    "/console/suspected-breaches",
    "/console/audits",
)
API = (
    "/v1/decisions",
    "/v1/decisions?limit=100",
    "/v1/decisions?cursor={old_decision}",
    "/v1/decisions?model=no-such-model",
    "/v1/decisions?operation=no-such-operation",
    "/v1/decisions?reason=no-such-reason",
    "/v1/decisions?department=no-such-department&application=app-3",
    "/v1/decisions?application=app-3&reason=rule_1",
    "/v1/decisions?subject=nobody-known",
    "/v1/decisions?key={no_key}",
    "/v1/decisions/{decision}",
    "/v1/keys",
    "/v1/keys?limit=100",
    "/v1/policies",
)


class Known(msgspec.Struct, frozen=True):
    """What stands in the place of the names in braces."""

    values: dict[str, str]

    @classmethod
    def of(cls, organization_id: UUID, key_id: UUID) -> "Known":
        log = select(Decision).where(Decision.organization_id == organization_id)
        newest = db.session.scalars(log.order_by(Decision.decided_at.desc()).limit(1)).one()
        before = Decision.decided_at < utc_now() - timedelta(days=60)
        old = db.session.scalars(log.where(before).order_by(Decision.decided_at.desc()).limit(1)).one()
        return cls(
            {
                "organization": str(organization_id),
                "key_uuid": str(key_id),
                "key": public_id("key", key_id),
                "no_key": public_id("key", organization_id),
                "decision": public_id("dec", newest.id),
                "old_decision": public_id("dec", old.id),
                "request": old.request_id,
                "no_request": "req_" + "0" * 24,
                "year": str(utc_now().year),
            }
        )

    def fill(self, address: str) -> str:
        return address.format_map(self.values)
