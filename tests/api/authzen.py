"""The fixture of AuthZEN's certification profile, as an ordinary organization's policy."""

from typing import Any

from tests.cast import Caller

Asked = dict[str, Any]

ALICE: Asked = {"type": "user", "id": "alice"}
BOB: Asked = {"type": "user", "id": "bob"}
ADMIN: Asked = {**BOB, "properties": {"role": "admin"}}
READ: Asked = {"name": "read"}
WRITE: Asked = {"name": "write"}
DELETE: dict[bool, Asked] = {soft: {"name": "delete", "properties": {"soft": soft}} for soft in (True, False)}
RECORD: Asked = {"type": "record", "id": "record-1"}
OTHER: Asked = {"type": "record", "id": "record-2"}
ACTIVE: Asked = {**RECORD, "properties": {"status": "active"}}
ARCHIVED: Asked = {**OTHER, "properties": {"status": "archived"}}
ALICE_READS: Asked = {"subject": ALICE, "action": READ, "resource": RECORD}
BOB_WRITES: Asked = {"subject": BOB, "action": WRITE, "resource": RECORD}

POLICY: dict[str, Any] = {
    "known_operations": ["read", "write", "delete"],
    "custom_facts": {
        "subject.id": "token",
        "subject.role": "token",
        "resource.status": "token",
        "action.soft": "boolean",
    },
    "rules": [
        {
            "code": "writes_of_bob",
            "when": {"all": ["operation == 'write'", "subject_id == 'bob'"], "none": ["subject_role == 'admin'"]},
            "message": "Bob can write only as an admin.",
        },
        {
            "code": "archived",
            "when": {
                "all": ["operation == 'write'", "model != 'record-1'", "resource_status == 'archived'"],
                "none": ["subject_role == 'admin'"],
            },
            "message": "Only admins can write archived records.",
        },
        {
            "code": "hard_delete",
            "when": {"all": ["operation == 'delete'", "action_soft == false"]},
            "message": "Records are only deleted softly.",
        },
    ],
}


def adopt_policy(as_member: Caller) -> None:
    for key, value in POLICY.items():
        changed = as_member.patch(f"/v1/policies/{key}", {"value": value})
        assert changed.status_code == 200, changed.text


def without(whole: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy that lacks one member, or one of a member's own."""
    member, _, name = path.partition(".")
    if not name:
        return {key: value for key, value in whole.items() if key != member}
    return {**whole, member: without(whole[member], name)}
