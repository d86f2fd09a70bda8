"""Verifying one organization's log against its heads; it names every entry that was changed."""

import random
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from api.ledger import chain_check, erasures, heads, merkle, records, signing_keys
from api.ledger.findings import MOST_FINDINGS, Fault, Report
from api.ledger.heads import Head
from api.ledger.models import LogChain, LogCursor, LogHead
from core import current
from core.db import db
from core.ids import time_of

NEWEST, SAMPLED = 3, 5
LINKS_OF_NEWEST = 1_500
"""A little more than a day of them."""

_UNCOVERED = text("""
    SELECT d.id FROM decision d
    LEFT JOIN LATERAL (
        SELECT recorded_after FROM log_head h
        WHERE h.organization_id = d.organization_id AND h.recorded_through >= d.recorded_number AND h.rows > 0
        ORDER BY h.recorded_through LIMIT 1
    ) AS covering ON true
    WHERE d.organization_id = :organization_id AND d.decided_at >= :since AND d.recorded_number <= :through
      AND (covering.recorded_after IS NULL OR covering.recorded_after >= d.recorded_number)
    LIMIT :most
""")


class Verifier:
    """Of one chain. `report` fills as it goes on."""

    def __init__(self, chain: LogChain, *, since: int = 1) -> None:
        self.report = Report()
        self._chain = chain
        self._keys = signing_keys.trusted_keys(current.settings())
        self._sound = chain_check.check_chain(chain, self._keys, self.report, since=since)

    def check_rows(self, sequences: Collection[int] | None = None) -> None:
        """Of the heads with these sequences; of all that were looked at unless they are said."""
        for sequence in sorted(self._sound if sequences is None else sequences):
            row = db.session.get(LogHead, (self._chain.organization_id, sequence), populate_existing=True)
            head = chain_check.verified(row, self._keys) if row is not None else None
            if row is not None and head is not None and head.rows:
                self._check_rows_of(row, head)
                db.session.expunge(row)  # with its rows' hashes, of which a whole log would hold too many

    def check_uncovered(self, *, since: datetime) -> None:
        """Rows that no head covers although all before a number are."""
        organization_id = self._chain.organization_id
        through = db.session.scalar(select(LogCursor.recorded_through)) or 0
        values = {"organization_id": organization_id, "since": since, "through": through, "most": MOST_FINDINGS}
        for decision_id in (
            *db.session.scalars(_UNCOVERED, values),
            *records.without_number(organization_id, since=max(since, self._chain.started_at), most=MOST_FINDINGS),
        ):
            self.report.add(Fault.ROW_INSERTED, decision_id=decision_id.bytes)

    def check_kept_head(self, body: str) -> None:
        if not chain_check.kept_head_fits(self._chain.organization_id, body):
            kept = heads.read(body.strip())
            self.report.add(Fault.CUT_OFF, sequence=kept.sequence if kept else None)

    def _check_rows_of(self, row: LogHead, head: Head) -> None:
        self.report.rows += head.rows
        if row.ids is None or row.salts is None or row.commitments is None:
            self._check_purged(head)
            return
        ids = merkle.pieces(row.ids, merkle.ID_BYTES)
        commitments = merkle.pieces(row.commitments, merkle.HASH_BYTES)
        faults_before = len(self.report.findings)
        self._check_found(row, ids, commitments)
        is_as_signed = len(ids) == len(commitments) == head.rows
        is_as_signed = is_as_signed and merkle.root_of([*map(merkle.leaf_of, ids, commitments)]).hex() == head.root
        if not is_as_signed and len(self.report.findings) == faults_before:
            self.report.add(Fault.ROWS_DIFFER, sequence=row.sequence, position=row.first)

    def _check_purged(self, head: Head) -> None:
        purged_before = self._purged_before()
        if head.newest is not None and purged_before is not None and head.newest < purged_before:
            self.report.purged += head.rows
        else:
            self.report.add(Fault.ROWS_DIFFER, sequence=head.sequence, position=head.first)

    def _check_found(self, row: LogHead, ids: list[bytes], commitments: list[bytes]) -> None:
        salts = merkle.pieces(row.salts or b"", merkle.SALT_BYTES)
        place_of = {decision_id: place for place, decision_id in enumerate(ids)}
        found = records.of_organization(row.organization_id, after=row.recorded_after, through=row.recorded_through)
        furthest = -1
        for decision_id, record in found:
            place = place_of.pop(decision_id, None)
            if place is None:
                self.report.add(Fault.ROW_INSERTED, sequence=row.sequence, decision_id=decision_id)
                continue
            is_changed = merkle.commitment_of(record, salts[place]) != commitments[place]
            if is_changed or place < furthest:
                fault = Fault.ROW_CHANGED if is_changed else Fault.ROW_MOVED
                self.report.add(fault, sequence=row.sequence, position=row.first + place, decision_id=decision_id)
            furthest = max(furthest, place)
        self._check_missing(row, place_of)

    def _check_missing(self, row: LogHead, missing: Mapping[bytes, int]) -> None:
        gone = dict(missing)
        if gone:
            purged_before = self._purged_before()
            if purged_before is not None:
                self.report.purged += _leave_out(
                    gone, {one for one in gone if time_of(UUID(bytes=one)) < purged_before}
                )
            self.report.erased += _leave_out(gone, erasures.pending(row.organization_id))
        if gone:  # what was pending is by now in a head, if it is no more
            named = self._erased_positions()
            self.report.erased += _leave_out(gone, {one for one, place in gone.items() if row.first + place in named})
        elsewhere = records.still_there(row.organization_id, [UUID(bytes=one) for one in gone])
        for decision_id, place in gone.items():
            fault = Fault.ROW_MOVED if UUID(bytes=decision_id) in elsewhere else Fault.ROW_DELETED
            self.report.add(fault, sequence=row.sequence, position=row.first + place, decision_id=decision_id)

    def _purged_before(self) -> datetime | None:
        """As it is now; heads that name a day that no retention allows are named themselves."""
        query = select(LogChain.purged_before).where(LogChain.organization_id == self._chain.organization_id)
        return db.session.scalar(query)

    def _erased_positions(self) -> frozenset[int]:
        """As sound heads name them."""
        naming = select(LogHead).where(
            LogHead.organization_id == self._chain.organization_id, LogHead.body.not_like('%"erased":[]%')
        )
        named = [chain_check.verified(row, self._keys) for row in db.session.scalars(naming)]
        spans = [span for head in named if head for span in head.erased]
        return frozenset(position for first, last in spans for position in range(first, last + 1))


def _leave_out(gone: dict[bytes, int], by_right: Collection[bytes]) -> int:
    """How many of them are gone by right."""
    before = len(gone)
    for decision_id in gone.keys() & set(by_right):
        del gone[decision_id]
    return before - len(gone)


def verify_all(chain: LogChain, *, kept_head: str | None = None) -> Report:
    """Every head and every row."""
    verifier = Verifier(chain)
    verifier.check_rows()
    verifier.check_uncovered(since=chain.started_at.replace(year=1970))
    if kept_head is not None:
        verifier.check_kept_head(kept_head)
    return verifier.report


def verify_sample(chain: LogChain, *, since: datetime) -> Report:
    """The chain of about a day, the rows of the newest heads and of some at random, and what no head covers."""
    last = chain.last_sequence
    verifier = Verifier(chain, since=max(1, last - LINKS_OF_NEWEST))
    newest = range(max(1, last - NEWEST + 1), last + 1)
    older = range(1, newest.start)
    sampled = random.sample(older, min(SAMPLED, len(older)))
    verifier.check_rows({*newest, *sampled})
    verifier.check_uncovered(since=since)
    return verifier.report
