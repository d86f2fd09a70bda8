"""Policies as the API shows and takes them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.policies.services import PolicySetting


class PolicyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: Annotated[Any, Meta(description="The new value, in the type of the policy.", examples=[40])]
    expected_version: Annotated[
        int | None,
        Meta(description="The change is refused if the policies are no longer at this version.", examples=[3]),
    ] = None


class PolicyChanged(msgspec.Struct, frozen=True):
    """The policy as it stands now; `version` is unchanged if the value was the same already."""

    version: Annotated[int, Meta(description="The version now in force.", examples=[4])]
    policy: Annotated[PolicySetting, Meta(description="The policy as it stands now.")]
