"""Releases from the command line into an account at the end of a wire: what is there before, meanwhile and after."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.signing import keys
from tests.cloud import account, models
from tests.cloud.account import ALARM, BUCKET, FUNCTION, Account
from tests.cloud.plane import Asked


@pytest.fixture
def site(moto_server: str, tmp_path: Path) -> Iterator[Account]:
    with account.account(moto_server, tmp_path / "account") as made:
        yield made


@pytest.fixture
def one(tmp_path: Path) -> Path:
    models.honest(tmp_path / "one", 1)
    return tmp_path / "one"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    models.honest(tmp_path / "two", 2)
    return tmp_path / "two"


@pytest.fixture
def live(site: Account, one: Path) -> Account:
    """The site, with the first version released."""
    ran = site.release(one)
    assert ran.status == 0, ran.err
    return site


def version_in(folder: Path) -> str:
    return contract.read(folder).version


def routes(site: Account) -> list[tuple[str, dict[str, float]]]:
    """Records every move of the alias from now on."""
    seen: list[tuple[str, dict[str, float]]] = []

    def after(asked: Asked) -> None:
        if asked.method == "PUT" and asked.path.endswith("/aliases/live"):
            said = json.loads(asked.body)
            seen.append((said["FunctionVersion"], said["RoutingConfig"]["AdditionalVersionWeights"]))

    site.plane.after = after
    return seen


def alias(site: Account) -> tuple[str, dict[str, float]]:
    said = site.alias()
    return said["FunctionVersion"], (said.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def tags(site: Account) -> dict[str, str]:
    return site.registry().tags("tiny-text").worn()


def kinds(site: Account, version: str) -> list[str]:
    return [event.kind for event in site.registry().history("tiny-text").events(version=version)]


def test_a_dry_run_against_an_empty_account_prints_the_plan_and_changes_nothing(site: Account, one: Path) -> None:
    ran = site.quickly("release", one, "--dry-run")
    assert ran.status == 0
    for step in ("registry", "push", "repository", "image", "function", "version", "golden", "open", "record"):
        assert step in ran.out
    assert "Nothing was changed" in ran.out and "sam deploy" in ran.out
    assert site.client("s3").list_buckets()["Buckets"] == []
    assert site.client("ecr").describe_repositories()["repositories"] == []
    assert site.client("lambda").list_functions()["Functions"] == []


def test_a_dry_run_of_nothing_says_what_has_to_be_named(site: Account, tmp_path: Path) -> None:
    ran = site.quickly("release", "--dry-run", LIMBECK_REGISTRY="", LIMBECK_SIGNING_KEY="")
    assert ran.status == 0
    assert "No registry named" in ran.out and "golden" in ran.out


def test_what_is_missing_is_said_before_anything_is_done(site: Account, one: Path) -> None:
    ran = site.quickly("release", one)
    assert ran.status == 2
    assert "There is no function" in ran.err and "--role" in ran.err
    assert site.client("s3").list_buckets()["Buckets"] == []


def test_the_first_release_makes_what_is_missing_and_opens_the_alias(site: Account, one: Path) -> None:
    ran = site.release(one)
    assert ran.status == 0, ran.err
    version = version_in(one)
    assert alias(site) == ("1", {})
    assert tags(site) == {version: "live"} and kinds(site, version) == ["pushed", "released"]
    [repository] = site.client("ecr").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    code = site.client("lambda").get_function(FunctionName=FUNCTION)["Code"]
    assert "@sha256:" in code["ImageUri"]  # by digest, never by a tag
    closed = site.client("s3").get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}


def test_the_second_release_goes_by_canary_and_the_old_version_is_retired(live: Account, one: Path, two: Path) -> None:
    moves = routes(live)
    ran = live.release(two)
    assert ran.status == 0, ran.err
    assert moves == [("1", {"2": 0.05}), ("1", {"2": 0.25}), ("1", {"2": 0.5}), ("2", {})]
    assert tags(live) == {version_in(one): "retired", version_in(two): "live"}
    again = live.release(two)
    assert again.status == 0 and len(moves) == 4  # nothing left to do


def test_a_wrong_golden_answer_stops_it_before_anybody_is_sent_there(live: Account, one: Path, tmp_path: Path) -> None:
    bad = models.broken(tmp_path / "bad", 3).version
    moves = routes(live)
    ran = live.release(tmp_path / "bad")
    assert ran.status == 3
    assert "golden.jsonl line 3: a probability is off by 0.01" in ran.err and "Everybody is on version 1" in ran.err
    assert moves == [] and alias(live) == ("1", {})
    assert tags(live) == {version_in(one): "live", bad: "retired"} and kinds(live, bad) == ["pushed", "stopped"]
    assert live.release(tmp_path / "bad").status == 3  # nor at the second try
    assert moves == []


def test_an_alarm_in_the_middle_of_a_canary_sends_everybody_back(live: Account, one: Path, two: Path) -> None:
    moves = routes(live)
    process = live.start(*live.releasing(two, "--stages", "50,100", "--bake", "60"))
    wait_for(lambda: alias(live) == ("1", {"2": 0.5}))
    live.set_alarm("ALARM", "too many errors")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert f"the alarm {ALARM} rang (too many errors)" in err and "Everybody is on version 1" in err
    assert moves == [("1", {"2": 0.5}), ("1", {})]
    assert tags(live) == {version_in(one): "live", version_in(two): "retired"}
    ran = live.release(two)
    assert ran.status == 2 and "rings already" in ran.err  # while it does, it can tell nothing
    live.set_alarm("OK")
    assert live.release(two).status == 0


def test_a_canary_that_no_alarm_watches_has_to_be_asked_for(live: Account, two: Path) -> None:
    live.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    ran = live.release(two)
    assert ran.status == 2 and "--without-alarms" in ran.err
    assert live.release(two, "--without-alarms").status == 0


def test_an_alarm_that_does_not_exist_gives_status_2(live: Account, two: Path) -> None:
    ran = live.release(two, "--alarm", "nobody")
    assert ran.status == 2 and "no alarm nobody" in ran.err


def test_rollback_goes_back_one_version_after_the_other_and_only_moves_the_alias(
    live: Account, one: Path, two: Path, tmp_path: Path
) -> None:
    models.honest(tmp_path / "three", 3)
    assert live.release(two).status == live.release(tmp_path / "three").status == 0
    writes: list[str] = []
    live.plane.after = lambda asked: writes.append(asked.path) if asked.service == "lambda" and asked.writes else None
    ran = live.quickly("rollback")
    assert ran.status == 0, ran.err
    assert alias(live) == ("2", {}) and writes == [f"/2015-03-31/functions/{FUNCTION}/aliases/live"]
    assert tags(live)[version_in(two)] == "live" and tags(live)[version_in(tmp_path / "three")] == "retired"
    assert live.quickly("rollback").status == 0 and alias(live) == ("1", {})
    nothing = live.quickly("rollback")
    assert nothing.status == 2 and "no version before" in nothing.err
    assert live.registry().tags("tiny-text").version("live") == version_in(one)


def test_rollback_to_a_bundles_version_and_not_to_one_that_was_never_live(
    live: Account, one: Path, two: Path, tmp_path: Path
) -> None:
    bad = models.broken(tmp_path / "bad", 3).version
    assert (live.release(two).status, live.release(tmp_path / "bad").status) == (0, 3)
    ran = live.quickly("rollback", "--to", bad)
    assert ran.status == 2 and "never had all traffic" in ran.err
    assert live.quickly("rollback", "--to", version_in(one)).status == 0 and alias(live) == ("1", {})
    assert "already" in live.quickly("rollback", "--to", version_in(one)).out


def test_rollback_ends_a_canary_that_broke_off_and_another_release_says_so_first(
    live: Account, two: Path, tmp_path: Path
) -> None:
    process = live.start(*live.releasing(two, "--stages", "50,100", "--bake", "60"))
    wait_for(lambda: alias(live) == ("1", {"2": 0.5}))
    process.kill()
    process.wait()
    assert "A canary is under way" in live.quickly("status").out
    models.honest(tmp_path / "three", 3)
    ran = live.release(tmp_path / "three")
    assert ran.status == 2 and "another release is at work, or broke off" in ran.err
    assert live.quickly("rollback").status == 0 and alias(live) == ("1", {})
    assert live.release(tmp_path / "three").status == 0


def test_interrupting_says_what_is_in_place(live: Account, two: Path) -> None:
    process = live.start(*live.releasing(two, "--stages", "50,100", "--bake", "60"))
    wait_for(lambda: alias(live) == ("1", {"2": 0.5}))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "live is version 1 (50%) and version 2 (50%)" in err and "Traceback" not in err


def test_status_sets_the_alias_beside_the_registry(live: Account, one: Path, two: Path) -> None:
    assert live.release(two).status == 0
    said = live.status()
    assert (said["live"], said["live_before"], said["registry_live"]) == ("2", ["1"], version_in(two))
    assert [(it["version"], it["share"]) for it in said["versions"]] == [("1", 0.0), ("2", 1)]
    shown = live.quickly("status").out
    assert f"tiny-text/{version_in(two)}" in shown and "100%" in shown and f"alarm {ALARM}: quiet" in shown


def test_a_tampered_byte_in_the_registry_is_refused_and_nothing_is_built(live: Account, two: Path) -> None:
    assert live.quickly("push", two).status == 0
    key = f"models/tiny-text/{version_in(two)}/model.onnx"
    body = bytearray(live.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    body[-1] ^= 1
    live.client("s3").put_object(Bucket=BUCKET, Key=key, Body=bytes(body))
    ran = live.release(f"tiny-text/{version_in(two)}")
    assert ran.status == 4 and "changed after the push" in ran.err
    assert len(live.client("ecr").list_images(repositoryName="limbeck")["imageIds"]) == 1


def test_a_foreign_key_is_refused_and_nothing_is_built(live: Account, two: Path, tmp_path: Path) -> None:
    keys.new_key(tmp_path / "foreign.pem")
    assert live.quickly("push", two, "--pem", tmp_path / "foreign.pem").status == 0
    ran = live.release(f"tiny-text/{version_in(two)}")
    assert ran.status == 4 and "signed with key" in ran.err
    assert len(live.client("ecr").list_images(repositoryName="limbeck")["imageIds"]) == 1


def test_a_bundle_without_golden_answers_is_refused(live: Account, tmp_path: Path) -> None:
    models.honest(tmp_path / "mute", 4)
    models.resealed(tmp_path / "mute", "golden.jsonl", '{"input": "good"}\n')
    ran = live.release(tmp_path / "mute")
    assert ran.status == 4 and "golden.jsonl holds no answer" in ran.err


def test_a_failed_build_gives_status_1_and_leaves_the_traffic_alone(live: Account, two: Path) -> None:
    ran = live.quickly(*live.releasing(two)[:2], "--builder", "false", "--bake", "0")
    assert ran.status == 1 and "`false" in ran.err
    ran = live.quickly(*live.releasing(two)[:2], "--builder", "true", "--bake", "0")
    assert ran.status == 1 and "left no image" in ran.err
    assert alias(live) == ("1", {})
    assert live.release(two).status == 0


def wait_for(done, seconds: float = 30.0) -> None:  # noqa: ANN001 - a question
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_canary_that_fails_calls_is_stopped_though_no_alarm_rings(live: Account, two: Path) -> None:
    process = live.start(*live.releasing(two, "--stages", "50,100", "--bake", "60"))
    wait_for(lambda: alias(live) == ("1", {"2": 0.5}))
    of_the_canary = {"FunctionName": FUNCTION, "Resource": f"{FUNCTION}:live", "ExecutedVersion": "2"}
    dimensions = [{"Name": name, "Value": value} for name, value in of_the_canary.items()]
    live.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda", MetricData=[{"MetricName": "Errors", "Dimensions": dimensions, "Value": 2.0}]
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3 and "version 2 failed 2 calls" in err
    assert alias(live) == ("1", {})


def test_a_model_of_another_name_does_not_take_a_models_place_unasked(live: Account, tmp_path: Path) -> None:
    models.honest(tmp_path / "other", 1, "other-model")
    ran = live.release(tmp_path / "other")
    assert ran.status == 2 and "answered by the model tiny-text, and this is other-model" in ran.err
    assert live.release(tmp_path / "other", "--another-model").status == 0
