"""The guardrail, handed messages that fail whoever looks at them. What it asks, and as whom, it reads from a file."""

import json
from pathlib import Path
from typing import Any, NoReturn

from ai_governance import AsyncClient
from ai_governance.integrations.checker import Checker
from ai_governance.integrations.litellm import GovernanceGuardrail


class Unreadable(list[Any]):
    pass


def _fail(*_: Any) -> NoReturn:
    raise AssertionError("content was read")


for _name in ("iter", "len", "getitem", "str", "repr", "bool", "contains", "eq", "hash", "reduce_ex"):
    setattr(Unreadable, f"__{_name}__", _fail)


class GuardrailOfUnreadable(GovernanceGuardrail):
    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Any, call_type: str) -> None:
        told = json.loads(Path("told.json").read_text())
        hidden = {name: [Unreadable()] for name in ("messages", "input", "prompt") if name in data}
        async with AsyncClient(told["url"], told["key"], total_timeout_s=30) as client:
            self._checker = Checker(client, None, told["facts"])
            call_type = told.get("call_type", call_type)
            await super().async_pre_call_hook(user_api_key_dict, cache, {**data, **hidden}, call_type)
