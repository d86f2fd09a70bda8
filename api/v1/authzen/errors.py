"""How AuthZEN wants to be refused: 400 where the rest of the API tells 415 and 422 apart."""

from http import HTTPStatus

from api.v1.requests import UnsupportedMediaType
from core.errors import InvalidRequest


class InvalidEvaluation(InvalidRequest):
    status, code, title = HTTPStatus.BAD_REQUEST, "invalid_evaluation", "The evaluation request is not valid"


class EvaluationNotJson(UnsupportedMediaType):
    status, code, title = HTTPStatus.BAD_REQUEST, "evaluation_not_json", "The evaluation request must be JSON"
