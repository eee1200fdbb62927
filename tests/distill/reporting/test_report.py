import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from distill.evaluation.evidence import Evidence, GateResult, RiskPoint
from distill.reporting import console_summary, formatting, model_card, plots, report
from handler.bundle.contract import Metric
from tests.distill.reporting import evidences

HOSTILE = '<script>alert("x")</script> & $a_b$ | `c` [d](http://e.example)\x00\n"quoted\' \u202e\ud800'
VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """Keeps the tags, attributes and text, and whether every tag is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(labels: tuple[str, ...] = evidences.SENTIMENT, evidence: Evidence | None = None, **changes: Any) -> str:  # noqa: ANN401
    arguments = {
        "title": "sentiment",
        "serving": evidences.serving(labels),
        "evidence": evidence or evidences.evidence(labels, rows=600),
        "gates": evidences.gates(),
        "provenance": evidences.PROVENANCE,
    }
    return report.html(**(arguments | changes))


def text_card(labels: tuple[str, ...] = evidences.SENTIMENT, **changes: Any) -> str:  # noqa: ANN401
    arguments = {
        "name": "sentiment",
        "version": "0123456789ab",
        "serving": evidences.serving(labels),
        "evidence": evidences.evidence(labels, rows=600),
        "gates": evidences.gates(),
        "provenance": evidences.PROVENANCE,
    }
    return model_card.markdown(**(arguments | changes))


def test_the_report_stands_alone_without_links_or_scripts() -> None:
    html = page()
    found = Page(html)
    assert not found.open
    assert not {"script", "iframe", "img", "object"} & set(found.tags)
    assert "http" not in html and "@import" not in html
    assert {value for name, value in found.attributes if name in ("src", "href")} <= {
        value for value in re.findall(r'href="([^"]+)"', html) if value.startswith(("#", "data:,"))
    }
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_every_reference_in_the_report_points_at_one_id() -> None:
    found = Page(page())
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for name, value in found.attributes if name == "href" and value.startswith("#")}
    wanted |= {match for _, value in found.attributes for match in re.findall(r"url\(#(.+?)\)", value)}
    wanted |= {value for name, value in found.attributes if name == "aria-labelledby"}
    assert wanted <= set(ids)


def test_the_first_screen_says_accuracy_retention_size_speed_and_that_gates_passed() -> None:
    found = Page(page())
    header = found.text[: found.text.index("Side by side")]
    student = evidences.evidence(rows=600).contender("student")
    for wanted in (
        formatting.percent(student.accuracy.value),
        "Retention",
        "812",
        "kB",
        "62.1 µs",
        "Every gate passed",
    ):
        assert wanted in header


def test_a_failed_gate_is_on_the_first_screen_with_enough_digits_to_see_why() -> None:
    found = Page(page(gates=evidences.gates(failing=True)))
    header = found.text[: found.text.index("Side by side")]
    assert "1 of 5 gates failed" in header
    assert "min_retention 0.96996, limit 0.97000" in header
    assert "Every gate passed" not in found.text


def test_what_a_user_wrote_is_shown_and_never_run() -> None:
    labels = (HOSTILE, "plain", "<img src=x onerror=alert(1)>")
    provenance = {
        "recipe": {HOSTILE: HOSTILE},
        "notes": [HOSTILE],
        "nested": {"deep": [{"a": HOSTILE}, (1, None, True)]},
    }
    html = page(
        labels, title=HOSTILE, serving=evidences.serving(labels, **{HOSTILE: "category"}), provenance=provenance
    )
    found = Page(html)
    assert not found.open
    assert not {"script", "img"} & set(found.tags)
    assert '<script>alert("x")</script> & $a_b$' in found.text
    assert "<img src=x onerror=alert(1)>" in found.text
    html.encode()


def test_the_plots_draw_labels_as_written_even_where_they_look_like_svg_or_mathematics() -> None:
    labels = ('id="x" #0a0b10', "$\\frac{1}{", "url(#q)", "3.14159")
    svg = plots.confusion([[2, 1, 0, 0]] * 4, labels)
    for label in labels:
        assert label in Page(svg).text


@pytest.mark.parametrize("classes", [2, 3, 12, 50, 150])
def test_any_number_of_classes_gets_a_matrix_and_a_table(classes: int) -> None:
    labels = tuple(f"class {i}" for i in range(classes))
    html = page(labels, evidences.evidence(labels, rows=1500, accuracy=0.6))
    found = Page(html)
    assert not found.open
    assert all(label in found.text for label in labels)
    assert (f"The other {classes - report.FOLDED_ROWS} classes" in found.text) == (classes > report.FOLDED_ROWS)
    assert len(html) < 1_000_000


def test_the_same_evidence_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.distill.reporting import test_report as t;"
        "print(hashlib.sha256((t.page() + t.text_card()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1 and len(digests.pop()) == 65


def test_making_a_report_leaves_matplotlib_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    page()
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_evidence_with_holes_is_reported_as_not_measured() -> None:
    whole = evidences.evidence(rows=60)
    nothing = float("nan")
    bare = replace(
        whole,
        metrics=(Metric("retention", nothing, nothing, nothing, 0),),
        comparisons=(),
        per_group=(),
        confusion=(),
        reliability=(),
        reliability_before=(),
        risk_coverage=(),
        novelty_contrast="",
        contenders=tuple(
            replace(c, kilobytes=None, latency_us_p50=None, latency_us_p99=None) for c in whole.contenders
        ),
    )
    found = Page(page(evidence=bare, gates=(), provenance={}))
    assert not found.open
    assert found.text.count("Not measured.") == 3
    assert "nan" not in found.text.lower()
    assert "nan" not in text_card(evidence=bare, gates=(), provenance={}).lower()


def test_a_class_without_test_rows_is_said_to_have_none() -> None:
    labels = ("seen", "rare", "unseen")
    evidence = evidences.evidence(labels, rows=80)
    rows = (*evidence.per_class[:2], replace(evidence.per_class[2], support=0))
    confusion = (*evidence.confusion[:2], (0, 0, 0))
    changed = replace(evidence, per_class=rows, confusion=confusion)
    assert "no test rows" in Page(page(labels, changed)).text
    assert "Not tested at all, having no test rows: unseen." in text_card(labels, evidence=changed)


def test_the_served_threshold_is_marked_on_the_risk_curve() -> None:
    points = (RiskPoint(0.5, 0.1, 0.8), RiskPoint(0.75, 0.2, 0.6), RiskPoint(1.0, 0.3, 0.4))
    assert "20.0% errors on 75% of rows" in Page(plots.risk_coverage(points, 0.5)).text
    assert "30.0% errors on 100% of rows" in Page(plots.risk_coverage(points, 0.0)).text


def test_the_calibration_errors_of_the_evidence_stand_in_the_reliability_diagram() -> None:
    text = Page(plots.reliability(evidences.evidence(rows=500))).text
    assert "before calibration, ECE 0.094" in text
    assert "after, ECE 0.021" in text


def test_a_gate_that_was_not_measured_is_said_to_have_failed_for_that() -> None:
    gates = (GateResult("min_gain_over_twin", 0.01, None, False), *evidences.gates())
    found = Page(page(gates=gates))
    header = found.text[: found.text.index("Side by side")]
    assert "min_gain_over_twin not measured, limit 0.0100" in header
    assert "| min_gain_over_twin | not measured | 0.0100 | FAILED |" in text_card(gates=gates)


def test_the_console_summary_counts_a_gate_that_was_not_measured_as_failed() -> None:
    gates = (GateResult("max_ece", 0.01, None, False), *evidences.gates())
    console = Console(record=True, width=110, file=io.StringIO())
    console_summary.show(replace(evidences.evidence(rows=600), metrics=()), gates, None, console)
    shown = console.export_text()
    assert "5 of 6 gates passed" in shown
    assert "retention not measured, fidelity not measured" in shown
    assert "hard-label twin" in shown


def test_the_card_has_numbers_limits_privacy_and_licences() -> None:
    text = text_card()
    for wanted in (
        "# sentiment 0123456789ab",
        "## Intended use",
        "## How to call it",
        "## Where it fails",
        "at least 3 training rows",
        "No training row is stored",
        "licence: MIT",
        "licence: Apache-2.0",
        "17 exact duplicates dropped",
        '{"inputs": ["A few words."]}',
    ):
        assert wanted in text


def test_the_card_says_so_when_a_licence_is_not_stated() -> None:
    text = text_card(provenance={"data": {"licence": "", "fingerprint": "ab" * 32}, "teacher": {"id": "boosted-trees"}})
    assert "licence: not stated" in text
    assert "has to find out first" in text
    assert "boosted-trees" in text


def test_a_users_text_cannot_break_the_cards_tables_or_add_markup() -> None:
    labels = (HOSTILE, "# heading", "1. item")
    text = text_card(labels, serving=evidences.serving(labels, **{"a`|<b>": "number", HOSTILE: "category"}))
    text.encode()
    prose = re.sub(r"(?s)```json.*?```", "", text)
    assert "<script" not in prose and not re.search(r"(?<!\\)\]\(", prose)
    for block in re.findall(r"(?m)(?:^\|.*\n)+", prose):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    for written in (formatting.plain(text), model_card.escape(text), formatting.short(text)):
        assert len(written.splitlines()) == 1
        written.encode()
    assert "<" not in model_card.escape(text)
    assert len(formatting.short(text)) <= 22


@pytest.mark.parametrize(
    ("write", "value", "wanted"),
    [
        (formatting.number, 0.0621, "0.0621"),
        (formatting.number, 1.2e-6, "1.2e−6"),
        (formatting.number, 90868.2, "90,868"),
        (formatting.number, 0.0, "0"),
        (formatting.number, None, "–"),
        (formatting.percent, 0.9996, "100.0%"),
        (formatting.microseconds, 62.12, "62.1 µs"),
        (formatting.microseconds, 11400.0, "11.4 ms"),
        (formatting.points, -0.02, "−2.0"),
        (formatting.points, -0.0001, "0.0"),
        (formatting.p_value, 1e-9, "< 0.0001"),
    ],
)
def test_numbers_are_written_for_people(write: Callable[[Any], str], value: float | None, wanted: str) -> None:
    assert write(value) == wanted
