"""Content that dresses as a token is refused, and no honest value is."""

import time
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

import pytest

from api.content.pii_kinds import KINDS
from api.content.token_content import _look
from api.policies.facts import read_question
from api.vocabulary import BUILT_IN, Fact, FactType
from core.errors import InvalidRequest
from tests.api.tokens import BLOBS, DRESSED, HONEST, NO_HOSTS, URLS, base64_of
from tests.cast import HARMLESS, Caller
from tests.portal.docs.guides import guide

VOCABULARY = {
    **BUILT_IN,
    "cost_center": Fact("cost_center", FactType.TOKEN, "A custom fact."),
    "callback_phone": Fact("callback_phone", FactType.TOKEN, "A custom fact."),
    "labels": Fact("labels", FactType.TOKENS, "A custom list."),
    "order_number": Fact("order_number", FactType.INTEGER, "A custom number."),
}


def refusal(fact: str, value: Any) -> tuple[str, str, str] | None:
    """Code and detail of the refusal of this value, or None where it is taken."""
    question: dict[str, Any] = {"model": "gpt-4o", "operation": "chat"}
    if fact in ("model", "operation", "subject"):
        question[fact] = value
    else:
        question["metadata"] = {fact: value}
    try:
        read_question(question, VOCABULARY)
    except InvalidRequest as refused:
        fault = refused.errors[0]
        return fault.path, fault.code, fault.detail
    return None


def taken(facts: Iterable[str], value: str) -> list[str]:
    """The facts for which this value is not refused as content, or whose refusal repeats it."""
    refusals = {fact: refusal(fact, value) for fact in facts}
    return [
        fact
        for fact, refused in refusals.items()
        if refused is None or refused[1] != "looks_like_content" or value in str(refused)
    ]


@pytest.mark.parametrize(("fact", "values"), HONEST.items())
def test_an_honest_value_is_taken(fact: str, values: list[str]) -> None:
    assert [value for value in values if refusal(fact, value)] == []


@pytest.mark.parametrize("value", [*DRESSED["numbers"], *DRESSED["emails"]])
def test_a_number_or_address_of_a_person_is_refused_everywhere(value: str) -> None:
    facts = ["purpose", "cost_center", "model", "subject", "gen_ai.conversation.id", "application"]

    assert taken(facts, value) == []


@pytest.mark.parametrize("value", [*DRESSED["national"], *DRESSED["sentences"], *URLS])
def test_a_national_number_a_sentence_or_a_loaded_url_is_refused(value: str) -> None:
    assert taken(["purpose", "department", "cost_center", "model"], value) == []


@pytest.mark.parametrize("value", DRESSED["credentials"])
def test_a_secret_with_its_makers_mark_is_refused_everywhere(value: str) -> None:
    facts = ["purpose", "cost_center", "model", "subject", "gen_ai.conversation.id", "application_version"]

    assert taken(facts, value) == []


def test_a_secret_without_a_mark_is_no_code() -> None:
    assert refusal("purpose", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY") is not None


@pytest.mark.parametrize("value", DRESSED["few_words"])
def test_a_sentence_of_few_words_is_refused(value: str) -> None:
    assert [fact for fact in ("purpose", "department", "cost_center") if not refusal(fact, value)] == []


@pytest.mark.parametrize("fact", ["purpose", "department", "user_role", "callback_phone"])
@pytest.mark.parametrize("value", DRESSED["ten_digits"])
def test_ten_digits_are_a_phone_number_where_words_are_usual(fact: str, value: str) -> None:
    refused = refusal(fact, value)

    assert refused is not None
    assert "Prefix internal codes with letters" in refused[2]


@pytest.mark.parametrize("value", ["410-220-1000", "410.220.1000", "+14102201000"])
def test_a_number_written_as_a_phone_number_is_one_unless_letters_say_that_it_is_a_code(value: str) -> None:
    assert refusal("cost_center", value) is not None
    assert refusal("cost_center", "CC-410-220-1000") is None


@pytest.mark.parametrize("value", BLOBS)
def test_encoded_data_is_refused(value: str) -> None:
    assert taken(["purpose", "department", "user_role"], value) == []


@pytest.mark.parametrize("fact", ["gen_ai.conversation.id", "application_version", "model", "subject", "cost_center"])
@pytest.mark.parametrize("value", [base64_of("John Doe has cancer"), b"John Doe has cancer".hex()])
def test_encoded_text_is_refused_even_where_ids_are_usual(fact: str, value: str) -> None:
    assert refusal(fact, value) is not None


@pytest.mark.parametrize("value", NO_HOSTS)
def test_an_address_is_a_host_and_nothing_more(value: str) -> None:
    assert refusal("server.address", value) is not None


def test_many_words_are_no_code() -> None:
    words = "alpha-bravo-charlie-delta-echo-foxtrot-golf-hotel-india-juliett"

    assert refusal("purpose", words) is not None
    assert refusal("purpose", words[:30]) is None
    assert refusal("purpose", "Der_Patient_liegt_seit_Mai_und_Juni_hier") is not None
    assert refusal("department", "red_hat_enterprise_linux_support") is None
    assert refusal("department", "sales-me-africa-region-1") is None


def test_many_separators_are_a_sentence_in_every_room() -> None:
    assert refusal("application_version", "v1" + "." * 25 + "2") is not None


@pytest.mark.parametrize("value", ["4111111111111112", "DE00370400440532013000"])
def test_a_number_whose_check_digits_are_wrong_is_no_card_and_no_account(value: str) -> None:
    assert refusal("gen_ai.conversation.id", value) is None


def test_one_bad_entry_of_a_list_refuses_it() -> None:
    assert refusal("labels", ["eu", "hr"]) is None
    assert refusal("tool_names", HONEST["gen_ai.tool.name"]) is None
    assert refusal("labels", ["eu", "4111111111111111"]) is not None


@pytest.mark.parametrize("value", ["john", "diabetes_of_john", "4111111111111111", "merger", "ada-lovelace"])
def test_a_kind_of_personal_data_is_of_the_list(value: str) -> None:
    refused = refusal("pii_types", ["email", value])

    assert refused is not None
    assert refused[1] == "not_a_choice"
    assert value not in refused[2]


@pytest.mark.parametrize(
    "value", ["email", "EMAIL_ADDRESS", "phone-number", "US_SSN", "iban", "IpAddress", "names", *KINDS]
)
def test_kinds_are_taken_however_they_are_written(value: str) -> None:
    assert refusal("pii_types", [value]) is None


def test_a_card_number_is_no_number_of_records_and_a_seed_is_any_number() -> None:
    assert refusal("order_number", 4111111111111111) is not None
    assert refusal("order_number", 1732271400000) is None
    assert refusal("gen_ai.request.seed", 4111111111111111) is None


def test_the_refusal_names_the_field_and_what_to_send(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={"purpose": "DE89370400440532013000"})

    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {
            "path": "metadata.purpose",
            "code": "looks_like_content",
            "detail": "This looks like an IBAN. Send the type as a code, such as iban.",
        }
    ]
    assert as_ada.check(**{k: v for k, v in HARMLESS.items() if k == "metadata"}).status_code == 200


def test_neither_pseudonyms_nor_refused_tokens_stay_in_memory() -> None:
    refusal("cost_center", "4711")  # with the model and the operation of all these questions
    before = _look.cache_info().currsize

    refusal("subject", "person-of-nobody-else-1")
    refusal("cost_center", "4111-1111-1111-1111")

    assert _look.cache_info().currsize == before


def test_looking_costs_little_even_when_every_token_is_new() -> None:
    values = [value for values in HONEST.values() for value in values]
    began_s = time.thread_time()
    for value in values:
        refusal("model", value)
    per_token_s = (time.thread_time() - began_s) / len(values)

    assert per_token_s < 0.001


def test_the_guide_names_every_kind() -> None:
    markdown = guide("api-guide").markdown

    assert [kind for kind in KINDS if f"`{kind}`" not in markdown] == []


@pytest.mark.parametrize("fact", ["purpose", "cost_center", "application"])
@pytest.mark.parametrize("text", ["is is ok?", "her x? is", "is no> is"])
def test_a_text_whose_base64_has_a_separator_among_its_characters_is_refused(fact: str, text: str) -> None:
    """Between the separators each piece is too short to look like anything."""
    encoded = b64encode(text.encode()).decode().rstrip("=")
    assert set(encoded) & set("+/")

    refused = refusal(fact, encoded)

    assert refused is not None
    assert refused[1] == "looks_like_content"
