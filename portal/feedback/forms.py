"""A form for each kind, made from its questions."""

from typing import Any

from wtforms import RadioField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from core.forms import Form, stripped
from portal.feedback.kinds import QUESTIONS, RANGES, Answer, Kind, Question

_MOST_WORDS = 4_000
_CHOOSE = "Choose one."


def form_for(kind: Kind, **options: Any) -> Form:
    fields = {question.name: _field(question) for question in QUESTIONS[kind]}
    made: Form = type("FeedbackForm", (Form,), fields)(**options)
    return made


def answers_in(form: Form, kind: Kind) -> dict[str, Any]:
    """Of a form that is valid."""
    return {question.name: _value(question, form[question.name].data) for question in QUESTIONS[kind]}


def _field(question: Question) -> Any:
    if question.answer is Answer.YES_NO:
        return RadioField(question.words, choices={"yes": "Yes", "no": "No"}, validators=[InputRequired(_CHOOSE)])
    if question.answer in RANGES:
        scale = RANGES[question.answer]
        return RadioField(
            question.words,
            description=f"From {scale[0]} (not at all) to {scale[-1]} (very).",
            choices={str(score): str(score) for score in scale},
            validators=[InputRequired(_CHOOSE)],
        )
    needed = [DataRequired("Enter a few words.")] if question.answer is Answer.WORDS else []
    return TextAreaField(
        question.words, filters=[stripped], validators=[*needed, Length(max=_MOST_WORDS)], render_kw={"rows": 3}
    )


def _value(question: Question, data: Any) -> Any:
    if question.answer is Answer.YES_NO:
        return data == "yes"
    return int(data) if question.answer in RANGES else data or ""
