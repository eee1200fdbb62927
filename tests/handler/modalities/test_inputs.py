from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.bundle.contract import Input, Limits
from handler.errors import RequestError
from handler.modalities import register
from tests.bundles import tabular_serving, text_serving

TEXT = text_serving(limits=Limits(max_inputs=3, max_characters=10, max_body_bytes=1000, max_depth=32, max_explained=64))
TABLE = tabular_serving(
    inputs=(
        Input("age", "float32", "number"),
        Input("colour", "string", "category"),
        Input("mean radius", "float32", "number"),
        Input("a/b~c", "float32", "number"),
    ),
    limits=Limits(max_inputs=3, max_characters=10, max_body_bytes=1000, max_depth=32, max_explained=64),
)
SECRET = "zqsecret"
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["age", "colour"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["age", "colour", "a/b~c"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def refusal(value: object, serving: object = TABLE) -> RequestError:
    with pytest.raises(RequestError) as caught:
        register.check(value, serving)  # type: ignore[arg-type]
    return caught.value


@given(values)
def test_any_json_value_is_taken_or_refused_with_413_or_422(value: object) -> None:
    for serving in (TEXT, TABLE):
        try:
            records = register.check(value, serving)
        except RequestError as error:
            assert error.status in (413, 422)
            assert error.pointer is not None and error.pointer.startswith("/inputs")
        else:
            assert len(records) == (len(value) if isinstance(value, list) else 1)


def test_one_text_and_a_list_of_texts_are_taken() -> None:
    assert register.check("good", TEXT) == ["good"]
    assert register.check(["good", "", "é"], TEXT) == ["good", "", "é"]


def test_one_row_and_a_list_of_rows_are_taken() -> None:
    row = {"age": 3, "colour": None, "mean radius": 1e-3}
    assert register.check(row, TABLE) == register.check([row], TABLE) == [row]


@pytest.mark.parametrize(("sent", "word"), [("red", "red"), (3, "3"), (-7, "-7"), (True, "true"), (False, "false")])
def test_a_category_may_be_sent_as_its_json_text_or_bare(sent: object, word: str) -> None:
    assert register.check({"colour": sent}, TABLE) == [{"colour": word}]


@pytest.mark.parametrize(
    ("value", "status", "kind", "pointer", "words"),
    [
        ([], 422, "no-inputs", "/inputs", "at least one"),
        ([{"age": 1}] * 4, 413, "too-many-inputs", "/inputs", "4 inputs, the limit is 3"),
        ("red", 422, "wrong-type", "/inputs", "an object of columns, found a string"),
        (None, 422, "wrong-type", "/inputs", "found null"),
        ([[]], 422, "wrong-type", "/inputs/0", "found an array"),
        ([{"age": 1}, 3], 422, "wrong-type", "/inputs/1", "found a number"),
        ([{"age": 1}, {}], 422, "no-columns", "/inputs/1", '"age", "colour"'),
        (
            [{"age": 1}, {"age": "3"}],
            422,
            "wrong-type",
            "/inputs/1/age",
            '"age" wants a number or null, found a string',
        ),
        ({"age": True}, 422, "wrong-type", "/inputs/age", "found a boolean"),
        ({"age": {}}, 422, "wrong-type", "/inputs/age", "found an object"),
        ({"age": float("nan")}, 422, "out-of-range", "/inputs/age", "finite"),
        ({"age": float("inf")}, 422, "out-of-range", "/inputs/age", "finite"),
        ({"age": 3.5e38}, 422, "out-of-range", "/inputs/age", "32-bit"),
        ({"age": 10**400}, 422, "out-of-range", "/inputs/age", "32-bit"),
        ({"a/b~c": ""}, 422, "wrong-type", "/inputs/a~1b~0c", "found a string"),
        ({"colour": 3.5}, 422, "wrong-type", "/inputs/colour", "a string or null, found a number"),
        ({"colour": 10**30}, 422, "wrong-type", "/inputs/colour", "found a number"),
        ({"colour": ["red"]}, 422, "wrong-type", "/inputs/colour", "found an array"),
        ({"colour": "r" * 11}, 413, "too-long", "/inputs/colour", "11 characters is over the limit of 10"),
        ({"colour": "\ud800"}, 422, "not-unicode", "/inputs/colour", "surrogate"),
        ({"age": 1, "mean_radius": 2}, 422, "unknown-column", "/inputs", 'Column 2 of 2 .* nearest .* "mean radius"'),
        ([{"AGE": 1}], 422, "unknown-column", "/inputs/0", 'nearest .* "age"'),
        ({"\ud800": 1}, 422, "unknown-column", "/inputs", "The model takes"),
        ({"x" * 10**6: 1}, 422, "unknown-column", "/inputs", "The model takes"),
    ],
)
def test_a_wrong_row_is_refused_where_it_is_wrong(
    value: object, status: int, kind: str, pointer: str, words: str
) -> None:
    error = refusal(value)
    assert (error.status, error.kind, error.pointer) == (status, kind, pointer)
    assert re.search(words, error.detail), error.detail


@pytest.mark.parametrize(
    ("value", "status", "kind", "pointer"),
    [
        (["a", "b" * 11], 413, "too-long", "/inputs/1"),
        (["a", 3], 422, "wrong-type", "/inputs/1"),
        ({"text": "a"}, 422, "wrong-type", "/inputs"),
        ([None], 422, "wrong-type", "/inputs/0"),
        (["a\udc00"], 422, "not-unicode", "/inputs/0"),
    ],
)
def test_a_wrong_text_is_refused_where_it_is_wrong(value: object, status: int, kind: str, pointer: str) -> None:
    error = refusal(value, TEXT)
    assert (error.status, error.kind, error.pointer) == (status, kind, pointer)


@pytest.mark.parametrize(
    "value",
    [
        SECRET * 9,
        [SECRET, 3],
        {SECRET: 1},
        {"age": SECRET},
        {"colour": [SECRET]},
        {"colour": SECRET * 9},
        {"ag": SECRET},
    ],
)
def test_a_refusal_never_quotes_what_was_sent(value: object) -> None:
    for serving in (TEXT, TABLE):
        error = refusal(value, serving)
        assert SECRET not in f"{error.detail} {error.pointer}"


def test_a_wide_model_lists_a_few_of_its_columns() -> None:
    columns = tuple(Input(f"c{i}", "float32", "number") for i in range(500))
    assert refusal({}, tabular_serving(inputs=columns)).detail.endswith('"c7" and 492 more.')


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73", "\u0316\u0f75"])
def test_marks_piled_to_stall_normalisation_are_refused(marks: str) -> None:
    serving = text_serving(limits=Limits(64, 1_000_000, 10**7, 32, 64))
    started = time.perf_counter()
    error = refusal("a" * 777 + marks * 200_000, serving)
    assert error.kind == "too-many-marks"
    assert time.perf_counter() - started < 0.5


def test_heavily_accented_text_is_taken() -> None:
    serving = text_serving(limits=Limits(64, 1_000_000, 10**7, 32, 64))
    vietnamese = unicodedata.normalize("NFD", "Tiếng Việt rất khó " * 500)
    zalgo = ("e" + "\u0301\u0316" * 60) * 200
    assert register.check([vietnamese, zalgo], serving) == [vietnamese, zalgo]
