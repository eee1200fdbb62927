"""The SAM template, read as CloudFormation will: what SAM's own translator makes of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handler.service import METHODS

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
HTTP_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "x-amazon-apigateway-any-method"}

# Runs in the SAM CLI's environment, where the translator is. `sam build` puts the image's name in, so this does too.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse
class Policies:
    def load(self): return {}
template = yaml_parse(open(sys.argv[1]).read())
template["Resources"]["PredictFunction"]["Properties"]["ImageUri"] = "registry/image:tag"
json.dump(transform(template, {}, Policies()), sys.stdout)
"""


@pytest.fixture(scope="module")
def translated() -> dict[str, Any]:
    """The template after SAM's translation: plain CloudFormation."""
    if not SAM_PYTHON.exists():
        pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
    done = subprocess.run(
        [SAM_PYTHON, "-c", TRANSLATE, TEMPLATE],
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def resources(translated: dict[str, Any]) -> dict[str, Any]:
    """Every resource, by logical id."""
    return translated["Resources"]


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def operations(resources: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi")
    return {
        (path, method): operation
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
        if method in HTTP_METHODS
    }


def test_cfn_lint_finds_nothing() -> None:
    command = [Path(sys.executable).parent / "cfn-lint", TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_operation_asks_for_an_api_key(resources: dict[str, Any]) -> None:
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi")
    schemes = api["Body"].get("securityDefinitions") or api["Body"]["components"]["securitySchemes"]
    assert schemes["api_key"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}
    assert operations(resources)
    for operation in operations(resources).values():
        assert {"api_key": []} in operation["security"]


def test_the_api_has_the_routes_that_the_handler_answers(resources: dict[str, Any]) -> None:
    assert operations(resources).keys() == {(path, method.lower()) for path, method in METHODS}


def test_there_is_no_way_in_beside_the_api(resources: dict[str, Any]) -> None:
    assert of_type(resources, "AWS::Lambda::Url") == []
    assert {permission["Principal"] for permission in of_type(resources, "AWS::Lambda::Permission")} == {
        "apigateway.amazonaws.com"
    }
    assert len(of_type(resources, "AWS::ApiGateway::Stage")) == 1


def test_a_key_is_limited_in_rate_burst_and_requests_a_day(resources: dict[str, Any]) -> None:
    (plan,) = of_type(resources, "AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 10, "BurstLimit": 20}
    assert plan["Quota"] == {"Limit": 10000, "Period": "DAY"}
    assert len(of_type(resources, "AWS::ApiGateway::UsagePlanKey")) == 1


def test_the_api_calls_the_alias_of_a_published_version(resources: dict[str, Any]) -> None:
    (alias,) = of_type(resources, "AWS::Lambda::Alias")
    assert alias["Name"] == "live"
    assert len(of_type(resources, "AWS::Lambda::Version")) == 1
    for operation in operations(resources).values():
        assert "PredictFunctionAliaslive" in json.dumps(operation["x-amazon-apigateway-integration"]["uri"])


def test_the_function_may_do_nothing_but_write_its_log(resources: dict[str, Any]) -> None:
    (role,) = of_type(resources, "AWS::IAM::Role")
    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
    assert "Policies" not in role


def test_logs_are_not_kept_for_ever(resources: dict[str, Any]) -> None:
    (logs,) = of_type(resources, "AWS::Logs::LogGroup")
    assert logs["RetentionInDays"] in (30, {"Ref": "LogRetentionDays"})
    (function,) = of_type(resources, "AWS::Lambda::Function")
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": "PredictLogs"}}


def test_every_output_speaks_of_a_resource_that_exists(translated: dict[str, Any]) -> None:
    assert translated["Outputs"].keys() >= {"PredictUrl", "ApiKeyId", "FunctionName"}
    for name, output in translated["Outputs"].items():
        value = output["Value"]
        subject = value.get("Ref") or re.findall(r"\$\{(\w+)\}", value["Fn::Sub"])[0]
        assert subject in translated["Resources"], name
