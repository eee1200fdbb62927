"""Releases from the command line into an account at the end of a wire: what is there before, meanwhile and after."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.signing import keys
from tests.cloud import account, models
from tests.cloud.account import BUCKET, TEMPLATE, Account, wait_for
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
    ran = site.first_release(one)
    assert ran.status == 0, ran.err
    return site


def version_in(folder: Path) -> str:
    return contract.read(folder).version


def alias(site: Account) -> tuple[str, dict[str, float]]:
    said = site.alias()
    return said["FunctionVersion"], (said.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def bundle_at(site: Account, number: str = "live") -> str:
    """The bundle's version that answers."""
    event = {
        "version": "2.0",
        "rawPath": "/predict",
        "requestContext": {"http": {"method": "POST", "path": "/predict"}},
    }
    said = site.invoke(number, event | {"headers": {"content-type": "application/json"}, "body": '{"inputs": "good"}'})
    return str(json.loads(said["body"])["model"]["version"])


def images(site: Account) -> tuple[str, str]:
    """The digests of what callers are on, and of what the stack would run."""
    number = site.alias()["FunctionVersion"]
    found = site.client("lambda").get_function_configuration(FunctionName=site.function, Qualifier=number)
    return f"sha256:{found['CodeSha256']}", site.stack.parameters["Image"].rpartition("@")[2]


def tags(site: Account) -> dict[str, str]:
    return site.registry().tags("tiny-text").worn()


def kinds(site: Account, version: str) -> list[str]:
    return [event.kind for event in site.registry().history("tiny-text").events(version=version)]


def written(site: Account) -> list[str]:
    """Records every request that changes something, but for the registry's and the images'."""
    seen: list[str] = []
    reads = ("Describe", "List", "Get", "BatchGet", "Filter")

    def after(asked: Asked) -> None:
        if asked.service in ("cloudformation", "codedeploy") and not asked.operation.startswith(reads):
            seen.append(asked.operation)
        elif asked.service == "lambda" and asked.method != "GET" and "/invocations" not in asked.path:
            seen.append(f"{asked.method} {asked.path}")

    site.plane.after = after
    return seen


def begun(site: Account, *command: str | Path) -> subprocess.Popen[str]:
    """A release whose canary is on and stays so."""
    site.plane.codedeploy.minute = 60
    process = site.start(*command)
    wait_for(lambda: alias(site)[1] != {})
    return process


def test_a_dry_run_against_an_empty_account_prints_the_plan_and_changes_nothing(site: Account, one: Path) -> None:
    ran = site.quickly("release", one, "--dry-run")
    assert ran.status == 0
    for step in ("registry", "push", "repository", "image", "stack", "record"):
        assert step in ran.out
    assert "sam deploy" in ran.out
    assert [it["Name"] for it in site.client("s3").list_buckets()["Buckets"]] == [account.TEMPLATES]
    assert site.client("ecr").describe_repositories()["repositories"] == []


def test_a_release_without_a_stack_pushes_the_image_and_says_how_to_make_the_stack(site: Account, one: Path) -> None:
    ran = site.release(one)
    assert ran.status == 2
    assert re.search(
        r"sam deploy .*--stack-name limbeck .*--parameter-overrides Image=\S+@sha256:[0-9a-f]{64}", ran.err
    )
    [repository] = site.client("ecr").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    closed = site.client("s3").get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    assert site.plane.cloudformation.stacks == {}


def test_what_sam_deploy_released_first_is_noted_by_the_same_command(live: Account, one: Path) -> None:
    version = version_in(one)
    assert alias(live) == ("1", {}) and bundle_at(live) == version
    assert tags(live) == {version: "live"} and kinds(live, version) == ["pushed", "released"]


def test_a_dry_run_prints_the_change_set_and_leaves_none_behind(live: Account, two: Path) -> None:
    seen = written(live)
    ran = live.quickly("release", two, "--dry-run")
    assert ran.status == 0, ran.err
    assert re.search(r"Add +PredictFunctionVersion\w+ +AWS::Lambda::Version", ran.out)
    assert re.search(r"Modify +PredictFunctionAliaslive +AWS::Lambda::Alias", ran.out)
    assert seen == ["CreateChangeSet", "DeleteChangeSet"] and live.stack.change_sets == {}
    assert alias(live) == ("1", {}) and kinds(live, version_in(two)) == []


def test_the_second_release_is_a_change_set_and_the_rest_is_awss(live: Account, one: Path, two: Path) -> None:
    before = dict(live.stack.parameters)
    seen = written(live)
    ran = live.release(two)
    assert ran.status == 0, ran.err
    assert seen == ["CreateChangeSet", "ExecuteChangeSet"]  # nothing else publishes a version or moves the alias
    assert "BeforeAllowTraffic" in ran.out or "AllowTraffic" in ran.out  # progress
    assert alias(live) == ("2", {}) and bundle_at(live) == version_in(two)
    assert tags(live) == {version_in(one): "retired", version_in(two): "live"}
    assert {key for key, it in live.stack.parameters.items() if it != before[key]} == {"Image"}
    again = live.release(two)
    assert again.status == 0 and len(seen) == 2  # nothing left to do


@pytest.mark.parametrize("how", ["probability", "novelty"])
def test_a_wrong_golden_answer_stops_it_before_any_caller(live: Account, one: Path, tmp_path: Path, how: str) -> None:
    bad = models.broken(tmp_path / "bad", 3, how=how).version
    ran = live.release(tmp_path / "bad")
    assert ran.status == 3
    assert "HOOK_EXECUTION_FAILURE" in ran.err and "golden.jsonl line 3)" in ran.err
    assert "Callers are on version 1 (tiny-text/" in ran.err
    assert alias(live) == ("1", {}) and live.stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert images(live)[0] == images(live)[1]
    assert tags(live) == {version_in(one): "live", bad: "retired"} and kinds(live, bad) == ["pushed", "stopped"]
    assert live.release(tmp_path / "bad").status == 3  # nor at the second try
    assert [it.share for it in live.plane.codedeploy.deployments.values() if it.creator == "user"] == [0, 0]


def test_an_alarm_in_a_canary_sends_everybody_back(live: Account, one: Path, two: Path) -> None:
    process = begun(live, *live.releasing(two))
    live.set_alarm("ALARM", "too many errors", "NewVersionCrashAlarm")
    _, err = process.communicate(timeout=180)
    assert process.returncode == 3
    assert "ALARM_ACTIVE" in err and "NewVersionCrashAlarm" in err and "too many errors" in err
    assert alias(live) == ("1", {}) and live.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert tags(live) == {version_in(one): "live", version_in(two): "retired"}
    ran = live.release(two)
    assert ran.status == 2 and "rings already" in ran.err  # CodeDeploy would not begin
    live.set_alarm("OK", alarm="NewVersionCrashAlarm")
    live.plane.codedeploy.minute = account.MINUTE_SECONDS
    assert live.release(two).status == 0


def test_the_alarms_of_a_deployment_are_about_the_version_that_it_deploys(live: Account, two: Path) -> None:
    process = begun(live, *live.releasing(two))
    try:
        name = live.stack.resources["NewVersionCrashAlarm"].physical
        [alarm] = live.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert {"Name": "ExecutedVersion", "Value": "2"} in alarm["Dimensions"]
    finally:
        live.plane.codedeploy.hurry()
        process.communicate(timeout=180)


def test_a_release_that_is_under_way_already_is_shown_and_noted_by_the_same_command(live: Account, two: Path) -> None:
    process = begun(live, *live.releasing(two))
    process.kill()
    process.wait()
    assert "AllowTraffic, 10% of the callers on version 2" in live.quickly("status").out
    seen = written(live)
    again = live.start(*live.releasing(two))
    assert again.stdout
    shown = next(line for line in again.stdout if "10% of the callers" in line)
    live.plane.codedeploy.hurry()
    _, err = again.communicate(timeout=180)
    assert again.returncode == 0, err
    assert "version 2 (tiny-text/" in shown and seen == []
    assert tags(live)[version_in(two)] == "live"


def test_a_release_that_was_stopped_while_nobody_looked_is_reported_by_the_same_command(
    live: Account, one: Path, two: Path
) -> None:
    process = begun(live, *live.releasing(two))
    process.kill()
    process.wait()
    live.set_alarm("ALARM", "too many errors")
    assert live.settled() == "UPDATE_ROLLBACK_COMPLETE"
    seen = written(live)
    ran = live.release(two)
    assert ran.status == 3 and "ALARM_ACTIVE" in ran.err and "too many errors" in ran.err
    assert seen == [] and kinds(live, version_in(two)) == ["pushed", "stopped"]
    live.set_alarm("OK")
    live.plane.codedeploy.hurry()
    assert live.release(two).status == 0


def test_another_release_waits_for_the_one_that_is_under_way(live: Account, two: Path, tmp_path: Path) -> None:
    process = begun(live, *live.releasing(two))
    models.honest(tmp_path / "three", 3)
    ran = live.release(tmp_path / "three")
    assert ran.status == 2 and "Something else is under way" in ran.err
    assert live.quickly("rollback").status == 0
    process.communicate(timeout=180)


def test_interrupting_says_that_aws_goes_on(live: Account, two: Path) -> None:
    process = begun(live, *live.releasing(two))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "what AWS has begun goes on" in err and "Traceback" not in err
    assert live.stack.status == "UPDATE_IN_PROGRESS"


def test_status_sets_callers_stack_and_registry_side_by_side(live: Account, one: Path, two: Path) -> None:
    assert live.release(two).status == 0
    said = live.status()
    assert (said["live"], said["registry_live"], said["stack_status"]) == ("2", version_in(two), "UPDATE_COMPLETE")
    assert [(it["version"], it["share"]) for it in said["versions"]] == [("1", 0.0), ("2", 1.0)]
    assert [(it["old"], it["new"], it["status"]) for it in said["deployments"]] == [("1", "2", "Succeeded")]
    shown = live.quickly("status").out
    assert f"tiny-text/{version_in(two)}" in shown and "100%" in shown and "CrashAlarm" in shown


def test_what_sam_deploy_did_is_seen(live: Account, one: Path, two: Path) -> None:
    """Somebody deploys the second image by `sam deploy`, and nobody tells the registry."""
    assert live.quickly("push", two).status == 0
    assert live.release(two).status == 0
    first = images_of(live)[version_in(one)]
    assert live.sam_deploy(Image=first) == "UPDATE_COMPLETE"
    shown = live.quickly("status").out
    assert f"The registry has {version_in(two)} as live" in shown and "2 to 3" in shown
    assert live.release(f"tiny-text/{version_in(one)}").status == 0
    assert tags(live) == {version_in(one): "live", version_in(two): "retired"}


def images_of(site: Account) -> dict[str, str]:
    """The image of every bundle's version."""
    [repository] = site.client("ecr").describe_repositories()["repositories"]
    found = site.client("ecr").describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
    return {it["imageTags"][0].split("-")[-2]: f"{repository['repositoryUri']}@{it['imageDigest']}" for it in found}


def test_a_stack_whose_template_names_its_image_is_left_alone_with_the_one_command_that_mends_it(
    site: Account, one: Path, two: Path
) -> None:
    """As `sam build` and `sam deploy` make it: there, the parameter has no effect."""
    assert site.release(one).status == 2
    image = images_of(site)[version_in(one)]
    built = TEMPLATE.read_text().replace(
        "ImageUri: !If [HasImage, !Ref Image, !Ref AWS::NoValue]", f"ImageUri: {image}"
    )
    assert site.sam_deploy(built) == "CREATE_COMPLETE" and site.release(one).status == 0
    seen = written(site)
    ran = site.release(two)
    assert ran.status == 2 and "as `sam build` left it there" in ran.err and "sam deploy" in ran.err
    assert "ExecuteChangeSet" not in seen and bundle_at(site) == version_in(one)
    assert site.sam_deploy(Image=images_of(site)[version_in(two)]) == "UPDATE_COMPLETE"
    assert bundle_at(site) == version_in(two) and site.release(two).status == 0
    assert site.quickly("rollback").status == 0
    assert bundle_at(site) == version_in(one) and len(set(images(site))) == 1


def test_a_stack_of_another_template_is_told_so(live: Account, two: Path) -> None:
    del live.stack.parameters["RolledBackTo"]
    ran = live.release(two)
    assert ran.status == 2 and "RolledBackTo" in ran.err and "sam deploy" in ran.err


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


def test_a_failed_build_gives_status_1_and_leaves_the_stack_alone(live: Account, two: Path) -> None:
    seen = written(live)
    ran = live.quickly("release", two, "--builder", "false")
    assert ran.status == 1 and "`false" in ran.err
    ran = live.quickly("release", two, "--builder", "true")
    assert ran.status == 1 and "left no image" in ran.err
    assert alias(live) == ("1", {}) and seen == []
    assert live.release(two).status == 0


def test_a_model_of_another_name_does_not_take_a_models_place_unasked(live: Account, tmp_path: Path) -> None:
    models.honest(tmp_path / "other", 1, "other-model")
    ran = live.release(tmp_path / "other")
    assert ran.status == 2 and "answered by the model tiny-text, and this is other-model" in ran.err
    assert live.release(tmp_path / "other", "--another-model").status == 0


def test_an_image_that_the_function_cannot_run_sets_the_stack_back_and_says_which_resource(
    live: Account, two: Path
) -> None:
    failing = live.plane.cloudformation

    failing.fail_at = "PredictFunction"
    ran = live.release(two)
    assert ran.status == 3 and "PredictFunction: it cannot be changed" in ran.err
    failing.fail_at = ""
    assert alias(live) == ("1", {}) and live.release(two).status == 0
