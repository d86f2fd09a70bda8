"""Content is refused, not dropped."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.content.refusal import ContentRefused, looks_like_content, parse_without_content
from api.policies.document import POLICY_KEYS
from api.strict_json import InvalidJson
from api.vocabulary import ALIASES, BUILT_IN
from tests.cast import HARMLESS, Caller

FOUNDING = (
    *("prompt", "text", "input", "message", "messages", "content"),
    *("request_body", "response_body", "user_data", "sensitive_info"),
)
AFFIXED = (
    *(
        "user_prompt",
        "Prompt-Text",
        "promptText",
        "system.prompt",
        "MESSAGES",
        "ＰＲＯＭＰＴ",
        "p_r_o_m_p_t",
        "prompt_v2",
    ),
    *("inputText", "input2", "contextText", "completion", "output_text", "raw_response"),
    *("body", "document", "query", "user-data", "SensitiveInfo"),
)


@pytest.mark.parametrize("name", [*FOUNDING, *AFFIXED])
def test_a_name_for_content_is_seen_whatever_its_shape(name: str) -> None:
    assert looks_like_content(name)


@pytest.mark.parametrize("name", [*BUILT_IN, *ALIASES, "context_window", "team", "metadata", "model", "data_class"])
def test_a_name_for_a_fact_is_not_content(name: str) -> None:
    assert not looks_like_content(name)


@pytest.mark.parametrize("name", FOUNDING)
def test_content_is_refused_at_top_level_and_inside_with_its_path(as_ada: Caller, name: str) -> None:
    for body, path in (
        ({**HARMLESS, name: "CANARY"}, name),
        ({**HARMLESS, "metadata": {name: "CANARY"}}, f"metadata.{name}"),
        ({**HARMLESS, "metadata": {"a": [{"b": {name.upper(): "CANARY"}}]}}, f"metadata.a[0].b.{name.upper()}"),
    ):
        answer = as_ada.post("/v1/check", body)

        assert (answer.status_code, answer.json["code"]) == (400, "content_refused")
        assert [fault["path"] for fault in answer.json["errors"]] == [path]
        assert "CANARY" not in answer.text


def test_content_hidden_behind_a_repeated_key_is_refused(as_ada: Caller) -> None:
    body = b'{"model": "m", "operation": "chat", "metadata": {"prompt": "x"}, "metadata": {}}'

    assert as_ada.post("/v1/check", body).json["code"] == "content_refused"


def test_a_quantity_of_content_is_an_unknown_fact_not_content(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={"prompt_tokens": 12})

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "unknown_fact")


def test_words_under_the_name_of_a_quantity_are_content(as_ada: Caller) -> None:
    assert as_ada.check(metadata={"prompt_tokens": "tell me"}).status_code == 400


def test_a_field_name_that_could_be_content_is_not_repeated(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={"my prompt is: CANARY words": 1})

    assert answer.json["errors"][0]["path"] == "metadata.<name of 26 characters>"


names = st.text(min_size=1, max_size=12)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=3),
    max_leaves=12,
)


@given(tree=plain, name=st.sampled_from(FOUNDING + AFFIXED), path=st.lists(st.booleans(), max_size=6))
def test_no_depth_or_neighbour_hides_content(tree: Any, name: str, path: list[bool]) -> None:
    hidden: Any = {name: "words", "z": tree}
    for is_list in path:
        hidden = [tree, hidden] if is_list else {"a": tree, "b": hidden}

    with pytest.raises(ContentRefused) as refused:
        parse_without_content(json.dumps(hidden).encode())

    assert any(fault.path.endswith(name) or "<name" in fault.path for fault in refused.value.errors)


@given(plain)
def test_what_has_no_content_name_is_read_as_it_is(tree: Any) -> None:
    def has_content(value: Any) -> bool:
        if isinstance(value, dict):
            return any(looks_like_content(key) or has_content(child) for key, child in value.items())
        return isinstance(value, list) and any(map(has_content, value))

    if not has_content(tree):
        assert parse_without_content(json.dumps(tree).encode()) == tree


def test_no_policy_is_named_like_content() -> None:
    assert not [key for key in POLICY_KEYS if looks_like_content(key)]


@given(plain, st.booleans())
def test_a_repeated_key_is_never_read(tree: Any, has_space: bool) -> None:
    """Also where a colon is not directly behind its key, or a value looks like a key."""
    colon = " :" if has_space else ":"
    body = f'{{"a"{colon}{json.dumps(tree)},"b":"\\"x\\":1","a":1}}'

    with pytest.raises((InvalidJson, ContentRefused)):
        parse_without_content(body.encode())


@pytest.mark.parametrize("body", ['{"pro\\u006dpt": 1}', '{"a": "\\"b\\":", "text": 1}', '[{"a": [{"Prompt": 1}]}]'])
def test_no_way_of_writing_a_name_hides_it(body: str) -> None:
    with pytest.raises(ContentRefused):
        parse_without_content(body.encode())


def test_text_that_is_not_utf_8_is_refused_also_within_a_value() -> None:
    with pytest.raises(InvalidJson, match="not UTF-8"):
        parse_without_content(b'{"model":"cl\xffude","operation":"chat"}')
