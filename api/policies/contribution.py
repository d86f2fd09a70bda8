"""One cause of a decision, as it is stored, answered and described."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Contribution(msgspec.Struct, frozen=True):
    """One cause: the points it added, whether it blocks by itself, and what the caller could change."""

    code: Annotated[str, Meta(description="Stable code of the reason.", examples=["contains_personal_data"])]
    policy: Annotated[str, Meta(description="The policy or rule it comes from.", examples=["block_personal_data"])]
    points: Annotated[int, Meta(description="Points it added to the risk score.", examples=[70])]
    blocks: Annotated[
        bool, Meta(description="Whether it blocks regardless of the score (hard block).", examples=[True])
    ]
    message: Annotated[
        str, Meta(description="What was found, in one sentence.", examples=["The operation works on personal data."])
    ]
    fix: Annotated[
        str,
        Meta(
            description="What the caller can change.",
            examples=["Remove or pseudonymize the personal data and send contains_personal_data: false."],
        ),
    ]
