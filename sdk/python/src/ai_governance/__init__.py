"""Asks AI Governance before your software calls an AI model. Sends metadata, never content."""

from ai_governance.aio import AsyncClient
from ai_governance.client import Client
from ai_governance.decisions import (
    ApiKey,
    BatchResult,
    CheckRequest,
    Decision,
    DecisionRecord,
    Policies,
    PolicyDraft,
    Reason,
)
from ai_governance.errors import (
    AiGovernanceError,
    ApiError,
    BlockedError,
    ConfigurationError,
    UnavailableError,
)
from ai_governance.unavailable import ALLOW_AND_REPORT, BLOCK
from ai_governance.version import __version__

__all__ = [
    "ALLOW_AND_REPORT",
    "BLOCK",
    "AiGovernanceError",
    "ApiError",
    "ApiKey",
    "AsyncClient",
    "BatchResult",
    "BlockedError",
    "CheckRequest",
    "Client",
    "ConfigurationError",
    "Decision",
    "DecisionRecord",
    "Policies",
    "PolicyDraft",
    "Reason",
    "UnavailableError",
    "__version__",
]
