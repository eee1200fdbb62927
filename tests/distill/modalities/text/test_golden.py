from __future__ import annotations

from distill.modalities.text import golden
from handler.bundle.contract import Limits
from tests.distill import made


def test_the_longest_golden_text_is_as_long_as_a_request_may_send() -> None:
    limits = Limits(max_inputs=1, max_characters=5000, max_body_bytes=10_000, max_depth=32, max_explained=64)
    rows = made.text_rows(["a user's own"])
    texts = golden.inputs(made.inputs_of(rows), rows, limits)
    assert 4900 < max(len(text) for text in texts) <= 5000
