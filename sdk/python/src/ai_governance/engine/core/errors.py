# Made from core/errors.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""A refusal is a named exception that says its status once; here is its base and the one shape it is shown in.

Problem documents follow RFC 9457. `code` is stable; `detail` tells the reader what to do next.
"""

import re
from http import HTTPStatus
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from ai_governance.engine.core.sample_ids import REQUEST_ID

_SHOWABLE = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)


def show_name(name: str) -> str:
    """A field's name as an error may repeat it: not if the name could itself be content."""
    return name if _SHOWABLE.fullmatch(name) else f"<name of {len(name)} characters>"


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field. `path` names it; its value is never repeated."""

    path: Annotated[str, Meta(description="The field, such as metadata.department.", examples=["metadata.prompt"])]
    code: Annotated[str, Meta(description="Stable code of the error.", examples=["content_refused"])]
    detail: Annotated[
        str,
        Meta(description="What to change.", examples=["This field name indicates content. Remove the field."]),
    ]
    suggestion: Annotated[
        str | None, Meta(description="The nearest known name, if there is one.", examples=["department"])
    ] = None


_WHERE = " - at `$"
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_BOUNDS = (
    (re.compile(r"Expected `int(?: \| null)?` (>=|<=) (\S+)"), "Expected a whole number of at {} {}"),
    (re.compile(r"Expected `float(?: \| null)?` (>=|<=) (\S+)"), "Expected a number of at {} {}"),
    (re.compile(r"Expected `str(?: \| null)?` of length (>=|<=) (\d+)"), "Expected a string with at {} {} characters"),
    (re.compile(r"Expected `array(?: \| null)?` of length (>=|<=) (\d+)"), "Expected an array with at {} {} items"),
    (re.compile(r"Expected `object(?: \| null)?` of length (>=|<=) (\d+)"), "Expected an object with at {} {} fields"),
)
_EDGES = {">=": "least", "<=": "most"}
_TYPES = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_OF_JSON = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "datetime": "a time",
    "array": "an array",
    "object": "an object",
}


def fault_of(error: msgspec.ValidationError, *, within: str = "") -> FieldProblem:
    """What a validation found, without the words of the caller that its message would repeat."""
    message, _, where = str(error).partition(_WHERE)
    path = (within + where.rstrip("`").replace("[...]", "")).lstrip(".")
    missing = _MISSING.fullmatch(message)
    if missing is not None:
        return FieldProblem(f"{path}.{missing[1]}".lstrip("."), "invalid_value", "This field is required.")
    if message.startswith("Invalid enum value"):
        message = "This is not an allowed value; the reference lists them"
    elif message.startswith("Object contains unknown field"):
        message = "This object has an unknown field; the reference lists the known ones"
    return FieldProblem(path or "body", "invalid_value", f"{_in_words_of_json(message)}.")


def _in_words_of_json(message: str) -> str:
    """A validator's message without the names that Python has for types."""
    if "matching regex" in message:
        return "This does not have the expected format; the reference shows it"
    for pattern, words in _BOUNDS:
        found = pattern.fullmatch(message)
        if found is not None:
            return (words.removesuffix("s") if found[2] == "1" else words).format(_EDGES[found[1]], found[2])
    return _TYPES.sub(lambda found: " or ".join(_OF_JSON.get(one, one) for one in found[1].split(" | ")), message)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457)."""

    type: Annotated[
        str, Meta(description="URL of the page about this problem.", examples=["/docs/problems/content_refused"])
    ]
    title: Annotated[str, Meta(description="The problem in one line.", examples=["Content is not accepted"])]
    status: Annotated[int, Meta(description="The HTTP status.", examples=[400])]
    code: Annotated[str, Meta(description="Stable code to handle in software.", examples=["content_refused"])]
    detail: Annotated[str, Meta(description="What to do next.", examples=["Remove the fields listed in errors."])]
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])]
    errors: Annotated[
        tuple[FieldProblem, ...], Meta(description="What is wrong with each field, without its value.")
    ] = ()


class AppError(Exception):
    """Base of every refusal. Subclasses say status, code, title and what the caller should do."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    advice: ClassVar[str] = "Try again. If the problem persists, contact support and include the request ID."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail or self.advice)
        self.detail = detail or self.advice
        self.errors = errors
        self.headers = headers

    def problem(self, *, request_id: str, base_url: str) -> Problem:
        return Problem(
            type=f"{base_url}/docs/problems/{self.code}",
            title=self.title,
            status=int(self.status),
            code=self.code,
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
        )


class InternalError(AppError):
    """Raised by nothing: what an unforeseen exception is shown as."""


class NotFound(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "not_found", "Not found"
    advice = "Nothing exists at this URL, or you don't have access to it. Check the URL and the ID."


class MethodNotAllowed(AppError):
    status, code, title = (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This method is not allowed",
    )
    advice = "Use one of the methods listed in the Allow header."


class InvalidRequest(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "The request is not valid"
    advice = "Correct the fields named under errors and send it again."


class TooLarge(AppError):
    status, code, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The request is too large"
    advice = "Send less at once. Nothing was stored."


class UnsupportedEncoding(AppError):
    status, code, title = (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_encoding",
        "Compressed request bodies are not accepted",
    )
    advice = "Send the body uncompressed, without Content-Encoding. Nothing was stored."

    def __init__(self) -> None:
        super().__init__(headers=(("Accept-Encoding", "identity"),))


class ServiceUnavailable(AppError):
    status, code, title = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "service_unavailable",
        "The service is temporarily unavailable",
    )
    advice = "Try again in a second. Nothing was changed."


class RoleNeeded(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "role_needed", "Your role does not allow this"
    advice = "Ask an owner or admin of your organization to do this or to change your role."


class OperatorsOnly(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "operators_only", "This page is for operators only"
    advice = "Go to your dashboard."


class OrganizationReadOnly(AppError):
    status, code, title = HTTPStatus.CONFLICT, "organization_read_only", "This organization can't be changed right now"
    advice = "It is suspended, closing or closed. See the organization page for the reason and your options."


class FormExpired(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "form_expired", "This page has expired"
    advice = "Reload the page and try again. Nothing was changed."


class OtherOrganization(AppError):
    status, code, title = HTTPStatus.CONFLICT, "other_organization", "You switched to another organization"
    advice = "You switched the organization in another tab. Reload the page. Nothing was changed."


def all_refusals(base: type[AppError] = AppError) -> list[type[AppError]]:
    """Every named refusal that has been imported, by code."""
    found = {base.code: base} if base is not AppError else {}
    for child in base.__subclasses__():
        found.update({refusal.code: refusal for refusal in all_refusals(child)})
    return [found[code] for code in sorted(found)]


PROBLEM_CONTENT_TYPE = "application/problem+json"
JSON_CONTENT_TYPE = "application/json"
