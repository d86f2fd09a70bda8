"""Signing as the Standard Webhooks specification says, so that receivers verify with a library that exists."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_for(message_id: str, body: bytes, *, signing_secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """One signature for each secret that counts, so that a secret can be rolled without a gap."""
    signatures = [
        Webhook(secret).sign(msg_id=message_id, timestamp=now, data=body.decode()) for secret in signing_secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
