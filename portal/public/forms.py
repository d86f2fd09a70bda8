"""The check that a visitor can send: choices only, so that nothing of theirs is ever stored."""

from typing import Any

import msgspec
from wtforms import RadioField

from core.forms import Form

MODELS = {
    "external": ("gpt-4o", True, "GPT-4o, at an external provider"),
    "own": ("llama-3.3-70b", False, "Llama 3.3, on your own servers"),
}
DATA: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"contains_personal_data": False}, "No personal data"),
    "personal": ({"contains_personal_data": True}, "Personal data"),
    "prompt": (
        {"contains_personal_data": False, "prompt": "Summarize the complaint of Ms. Jones."},
        "Prompt sent by mistake",
    ),
}
RECORDS = {"few": (120, "120"), "many": (250_000, "250,000")}
DEPARTMENTS = {"support": "Support", "hr": "Human resources"}


class AskForm(Form):
    model = RadioField("Model", choices={code: words for code, (_, _, words) in MODELS.items()}, default="external")
    data = RadioField("Data", choices={code: words for code, (_, words) in DATA.items()}, default="personal")
    records = RadioField("Records", choices={code: words for code, (_, words) in RECORDS.items()}, default="few")
    department = RadioField("Department", choices=DEPARTMENTS, default="support")

    def question(self) -> dict[str, Any]:
        """The request that the choices stand for."""
        name, is_external, _ = MODELS[self.model.data]
        facts, _ = DATA[self.data.data]
        return {
            "model": name,
            "operation": "summarization",
            "metadata": {
                **facts,
                "is_external_model": is_external,
                "dataset_record_count": RECORDS[self.records.data][0],
                "department": self.department.data,
            },
        }


class Answer(msgspec.Struct, frozen=True):
    """What came back: `content` is a decision, or the problem for which there is none."""

    status: int
    request: str
    response: str
    content: dict[str, Any]

    @property
    def is_decision(self) -> bool:
        return "allowed" in self.content


def answer_of(question: dict[str, Any], status: int, body: bytes) -> Answer:
    return Answer(
        status=status,
        request=msgspec.json.format(msgspec.json.encode(question), indent=2).decode(),
        response=msgspec.json.format(body, indent=2).decode(),
        content=msgspec.json.decode(body),
    )
