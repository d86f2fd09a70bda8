# Made from core/sample_ids.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Ids and a moment as examples in the API's description show them. They belong to nobody."""

DECISION_ID = "dec_01a2217d763b7c3d8e4f5a6b7c8d9e0f"
KEY_ID = "key_0199f2c0d4e57a18b3c29d0e1f2a3b4c"
DRAFT_ID = "draft_01a2217d763b7c3d8e4f5a6b7c8d9e0f"
REQUEST_ID = "req_3f9c2b7a1e5d4c8f9a0b1c2d"
CLIENT_ID = "0199f2c4-a1b2-7c3d-8e4f-5a6b7c8d9e0f"
"""Older than the API accepts, as any that is written down will be."""
MOMENT = "2026-11-28T09:30:00.123Z"
STORED_AT = "2026-11-28T09:30:00.123000Z"
"""The same as the API gives times that it reads from the database."""
A_YEAR_LATER = "2027-11-28T00:00:00Z"
A_WEEK_BEFORE = "2026-11-21T09:30:00.123000Z"
