"""`python -m infra cost`: arithmetic that can be followed by hand, and assumptions that are said."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.__main__ import main
from infra.cost import cost
from infra.cost.cost import EVENT_SOURCES, Architecture, Prices, Work
from tests import bundles

MILLIONS = {"REST API": 3.0, "HTTP API": 1.0, "Function URL": 0.0}
ROUND = Prices(date(2026, 1, 1), dict.fromkeys(Architecture, 0.00001), 0.2, MILLIONS, 0.5)


def sealed(folder: Path, **latencies: float | None) -> Path:
    """A bundle with durations in its evidence, in microseconds: student_p50, teacher_p99 and so on."""
    manifest = bundles.text_bundle(folder)
    contenders = [
        {"role": role, **{f"latency_us_{name}": latencies.get(f"{role}_{name}") for name in ("p50", "p99")}}
        for role in ("teacher", "student", "baseline")
    ]
    manifest = dataclasses.replace(manifest, evidence={"contenders": contenders})
    (folder / contract.MANIFEST).write_text(contract.dumps(manifest))
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sealed(tmp_path / "x" / "1", student_p50=45.0, student_p99=845.0, teacher_p50=12_345.0, teacher_p99=18_000.0)


def test_a_request_is_billed_by_the_whole_millisecond_of_its_share_of_a_core() -> None:
    work = Work("student", core_ms=0.4, start_ms=100, memory_megabytes=1769)
    assert (work.milliseconds, work.billed_ms, work.billed_start_ms) == (0.4, 1, 100)
    half = dataclasses.replace(work, memory_megabytes=1769 // 2 + 1, core_ms=0.75)
    assert half.milliseconds == pytest.approx(1.5, rel=1e-2)
    assert half.billed_ms == 2


def test_more_memory_than_one_cores_is_no_faster() -> None:
    assert Work("student", 3.0, 100, 3538).milliseconds == 3.0


def test_memory_times_time_times_price() -> None:
    # A million requests of 10 ms in 1024 MB are 10,000 GB-seconds.
    made = cost.bill(Work("any", 10.0 * 1024 / 1769, 0.0, 1024), ROUND, 1e6, Architecture.X86_64, 0.0)
    assert made.compute == pytest.approx(0.1)
    assert (made.starts, made.invocations) == (0.0, 0.2)
    assert [made.total(source) for source in EVENT_SOURCES] == pytest.approx([3.3, 1.3, 0.3])


def test_starts_are_billed_for_their_share_of_the_requests() -> None:
    work = Work("any", 1.0, 99.0, 1769)
    none, some = (cost.bill(work, ROUND, 1e6, Architecture.X86_64, share) for share in (0.0, 0.01))
    assert none.starts == 0
    assert some.starts == pytest.approx(0.01 * 99 * some.compute)


def test_below_one_core_less_memory_costs_the_same() -> None:
    bills = [
        cost.bill(Work("any", 1000.0, 0.0, memory), ROUND, 1e6, Architecture.X86_64, 0.0) for memory in (512, 1769)
    ]
    assert bills[0].compute == pytest.approx(bills[1].compute, rel=1e-3)


def test_ten_times_the_requests_cost_ten_times_as_much() -> None:
    work = Work("any", 2.0, 100.0, 512)
    one, ten = (cost.bill(work, ROUND, requests, Architecture.X86_64, 0.01) for requests in (1e6, 1e7))
    assert [ten.total(source) for source in EVENT_SOURCES] == pytest.approx(
        [10 * one.total(source) for source in EVENT_SOURCES]
    )


def test_logs_are_told_beside_the_totals() -> None:
    made = cost.bill(Work("any", 1.0, 1.0, 512), ROUND, 1e6, Architecture.X86_64, 0.0)
    assert made.logs["REST API"] > made.logs["Function URL"] > 0
    assert made.total("Function URL") == made.compute + made.invocations


def test_the_durations_are_the_evidences_and_the_handlers(bundle: Path) -> None:
    works = cost.works(contract.read(bundle), 512, 1769)
    assert [it.name for it in works] == ["student, p50", "student, p99", "teacher, p50", "teacher, p99"]
    assert [it.core_ms - cost.OVERHEAD_MS for it in works] == pytest.approx([0.045, 0.845, 12.345, 18.0])
    assert [it.memory_megabytes for it in works] == [512, 512, 1769, 1769]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_every_region_has_every_price(region: str) -> None:
    found = cost.prices(region)
    assert set(found.gb_second) == set(Architecture)
    assert 1e-5 < min(found.gb_second.values()) < max(found.gb_second.values()) < 2e-5
    assert found.lambda_million < found.millions["HTTP API"] < found.millions["REST API"]


def test_the_price_table_is_dated_and_says_where_it_is_from() -> None:
    table = tomllib.loads(cost.PRICES.read_text(encoding="utf-8"))
    assert isinstance(table["read_on"], date)
    assert len(table["pages"]) == 3 and all(page.startswith("https://aws.amazon.com/") for page in table["pages"])


def test_us_prices_are_aws_well_known_ones() -> None:
    found = cost.prices("us-east-1")
    assert found.lambda_million == 0.20
    assert found.millions == {"REST API": 3.50, "HTTP API": 1.00, "Function URL": 0.0}


def test_the_command_prints_dollars_and_what_it_assumes(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--requests", "1e6", "--memory", "512", "--bundle", str(bundle), "--logs"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for expected in (
        "1,000,000 requests in us-east-1, x86_64",
        "REST API HTTP API Function URL",
        "student, p50 512 0.69 1 0.0083 0.0421 0.20 3.75 1.25 0.25",
        "logs, besides 1.05 0.75 0.75",
        "times the student's compute",
        "without free tier",
        "1,769 MB are one core",
        "1.0% of the requests wait for a start",
    ):
        assert expected in said


def test_json_has_the_numbers_unrounded(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--bundle", str(bundle), "--json", "--cold", "0", "--region", "eu-central-1"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["compute"] == pytest.approx(1e6 * 0.001 * 0.5 * 0.0000166667)
    assert rows[0]["total"]["REST API"] == pytest.approx(3.70 + 0.20 + rows[0]["compute"])


def test_without_a_name_it_is_the_newest_bundle_that_can_be_read(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundles").mkdir()
    bundle.parent.rename(tmp_path / "bundles" / "x")
    other = tmp_path / "bundles" / "torn" / "2"
    other.mkdir(parents=True)
    (other / contract.MANIFEST).write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert main(["cost"]) == 0
    assert "tiny-text" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--region", "mars-north-1"], 2, "No prices for mars-north-1, there are eu-central-1, us-east-1"),
        (["--bundle", "nowhere"], 4, "No sealed bundle in nowhere"),
        (["--requests", "many"], 2, "--requests"),
        (["--memory", "64"], 2, "--memory"),
        (["--cold", "2"], 2, "--cold"),
    ],
)
def test_what_cannot_be_priced_is_said(
    bundle: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert main(["cost", "--bundle", str(bundle), *arguments]) == status
    assert said in " ".join(capsys.readouterr().err.split())


def test_no_bundle_at_all_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["cost"]) == 2
    assert "limbeck run breast-cancer" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["student_p50", "teacher_p99"])
def test_evidence_without_a_duration_is_said(tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    every = {f"{role}_{name}": 100.0 for role in ("student", "teacher") for name in ("p50", "p99")}
    folder = sealed(tmp_path / "x", **(every | {missing: None}))
    assert main(["cost", "--bundle", str(folder)]) == 2
    assert f"has no {missing.partition('_')[0]}'s latency_us_" in capsys.readouterr().err
