"""What a key may do. A key made for checks can do nothing else."""

from enum import StrEnum


class Scope(StrEnum):
    CHECKS_WRITE = "checks:write"
    DECISIONS_READ = "decisions:read"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    POLICIES_DRAFT = "policies:draft"
    POLICIES_PUBLISH = "policies:publish"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


DEFAULT_SCOPES = (Scope.CHECKS_WRITE,)

MEANING = {
    Scope.CHECKS_WRITE: "Send checks.",
    Scope.DECISIONS_READ: "Read and export the decision log.",
    Scope.POLICIES_READ: "Read the policies.",
    Scope.POLICIES_WRITE: "Change the policies.",
    Scope.POLICIES_DRAFT: "Create and change policy drafts, and analyze their impact.",
    Scope.POLICIES_PUBLISH: "Publish policy drafts.",
    Scope.KEYS_READ: "List keys, without their secrets.",
    Scope.KEYS_WRITE: "Create, rotate and revoke keys, with no more scopes than the key itself has.",
}
