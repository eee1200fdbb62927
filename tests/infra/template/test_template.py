"""The SAM template, read as CloudFormation will: the function, the REST API before it, and what they log."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.documents import page
from tests.infra.template.stacks import EVERY_KIND, KINDS, READ_BY_SAM, TEMPLATE, Stack, listed, stack, translated

ANY = "x-amazon-apigateway-any-method"


@pytest.fixture(scope="module")
def default() -> Stack:
    """The stack without a parameter."""
    return stack()


def test_every_path_and_method_reaches_the_function(default: Stack) -> None:
    assert default.paths.keys() == {"/", "/{proxy+}"}
    for methods in default.paths.values():
        integration = methods[ANY]["x-amazon-apigateway-integration"]
        assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")


def test_the_api_calls_the_alias_of_a_published_version(default: Stack) -> None:
    alias = default.live["Properties"]
    assert alias["Name"] == "live"
    assert len(default.of_type("AWS::Lambda::Version")) == 1
    for methods in default.paths.values():
        uri = methods[ANY]["x-amazon-apigateway-integration"]["uri"]
        assert uri.endswith("/functions/${PredictFunction.Arn}:live/invocations")
    permission = default.only("AWS::Lambda::Permission")
    assert permission["FunctionName"] == {"Ref": "PredictFunctionAliaslive"}


def test_only_this_api_may_call_the_function(default: Stack) -> None:
    permission = default.only("AWS::Lambda::Permission")
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"] == "arn:aws:execute-api:eu-west-1:123456789012:${PredictApi}/v1/*"


def test_bodies_pass_as_bytes_both_ways(default: Stack) -> None:
    api = default.only("AWS::ApiGateway::RestApi")
    assert api["BinaryMediaTypes"] == ["*/*"]
    assert api["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_there_is_one_stage_and_its_deployment_is_new_every_time(default: Stack) -> None:
    # SAM names a deployment after the API's text, in which a changed parameter leaves no trace.
    assert default.only("AWS::ApiGateway::Stage")["StageName"] == "v1"
    assert re.search(r"^ +AlwaysDeploy: true$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_rest_api_speaks_no_tls_below_1_2(default: Stack) -> None:
    api = default.only("AWS::ApiGateway::RestApi")
    assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2")  # 1.3 and 1.2; the default is TLS_1_0
    assert api["EndpointAccessMode"] == "STRICT"  # without one such a policy is refused
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_the_rest_api_as_a_whole_has_a_rate_that_it_takes(default: Stack) -> None:
    (settings,) = default.only("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == ("50", "100")


def function(made: Stack) -> dict[str, Any]:
    """The properties of the function that answers."""
    return made.named("AWS::Lambda::Function")["PredictFunction"]


def test_reserved_concurrency_is_off_until_a_number_is_named() -> None:
    assert "ReservedConcurrentExecutions" not in function(stack())
    assert function(stack(ReservedConcurrency=7))["ReservedConcurrentExecutions"] == "7"


def test_provisioned_concurrency_is_off_until_a_number_is_named_and_then_the_alias_has_it() -> None:
    assert "ProvisionedConcurrencyConfig" not in stack().live["Properties"]
    ahead = stack(ProvisionedConcurrency=3).live["Properties"]["ProvisionedConcurrencyConfig"]
    assert ahead == {"ProvisionedConcurrentExecutions": "3"}


def test_an_image_is_taken_by_its_digest_alone() -> None:
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/limbeck@sha256:" + "0af" * 21 + "0"
    assert function(stack(Image=image))["Code"] == {"ImageUri": image}
    assert function(stack(Image=image))["PackageType"] == "Image"
    pattern = translated()["Parameters"]["Image"]["AllowedPattern"]
    assert re.fullmatch(pattern, image) and re.fullmatch(pattern, "")
    for wrong in (image.replace("@sha256:", ":"), image[:-1], "limbeck:latest", image.upper(), f"docker.io/{image}"):
        assert not re.fullmatch(pattern, wrong)


def test_another_image_is_another_version() -> None:
    one, other = ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/limbeck@sha256:" + it * 64 for it in "ab")
    (first,), (second,) = (stack(Image=it).named("AWS::Lambda::Version") for it in (one, other))
    assert first != second


def test_sam_reads_no_other_parameter_than_those_it_is_given() -> None:
    # stack() translates once for all sets of parameters that are alike in these two.
    others = {
        name: str(it["AllowedValues"][-1] if "AllowedValues" in it else "7" if it["Type"] == "Number" else "a@b.c")
        for name, it in translated()["Parameters"].items()
        if name not in READ_BY_SAM
    }
    changed, usual = translated(**others), translated()
    for part in ("Resources", "Outputs", "Conditions"):
        one, other = (json.dumps(it[part], sort_keys=True) for it in (changed, usual))
        stamp = r"[0-9a-f]{40}|PredictApiDeployment[0-9a-f]{10}"  # of the time of day: AlwaysDeploy
        assert re.sub(stamp, "", one) == re.sub(stamp, "", other)


def test_every_property_that_is_changed_in_the_text_publishes_a_version() -> None:
    # Parameters that change alone do not: SAM names a version after the function's text, where they are not put in yet.
    assert re.search(r"^ +AutoPublishAliasAllProperties: true$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    one, other = translated(MemorySize="1024"), translated()
    assert [name for name in one["Resources"] if name.startswith("PredictFunctionVersion")] == [
        name for name in other["Resources"] if name.startswith("PredictFunctionVersion")
    ]


def test_the_function_is_told_the_stacks_name_and_the_origin() -> None:
    variables = function(stack(CorsOrigin="https://app.example.org"))["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == "limbeck"
    assert variables["CORS_ORIGIN"] == "https://app.example.org"
    assert function(stack())["Environment"]["Variables"]["CORS_ORIGIN"] == ""


def test_logs_are_not_kept_for_ever() -> None:
    for days, groups in (("30", stack()), ("7", stack(LogRetentionDays=7))):
        assert {group["RetentionInDays"] for group in groups.of_type("AWS::Logs::LogGroup")} == {days}
    for name, made in stack().named("AWS::Lambda::Function").items():
        assert made["LoggingConfig"] == {"LogGroup": {"Ref": name.replace("Function", "Logs")}}


def test_all_logs_can_be_under_a_key_of_ones_own() -> None:
    assert all("KmsKeyId" not in group for group in stack().of_type("AWS::Logs::LogGroup"))
    key = "arn:aws:kms:eu-west-1:123456789012:key/abc"
    assert [group["KmsKeyId"] for group in stack(LogKeyArn=key).of_type("AWS::Logs::LogGroup")] == [key] * 3


def test_the_access_log_is_one_json_object_a_request(default: Stack) -> None:
    setting = default.only("AWS::ApiGateway::Stage")["AccessLogSetting"]
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}
    assert "\n" not in setting["Format"]
    line = json.loads(setting["Format"])
    assert {"request_id", "status", "method", "route", "duration_ms", "answer_bytes", "key_id", "refused_as"} <= set(
        line
    )
    assert all(re.fullmatch(r"\$context\.[A-Za-z.]+", value) for value in line.values())


@pytest.mark.parametrize("told", ["path", "resourceId", "identity.sourceIp", "identity.userAgent", "error.message"])
def test_the_access_log_tells_nothing_that_a_caller_writes(default: Stack, told: str) -> None:
    # error.message quotes the Authorization header where that is malformed.
    values = json.loads(default.only("AWS::ApiGateway::Stage")["AccessLogSetting"]["Format"]).values()
    assert not any(value == f"$context.{told}" or value.startswith(f"$context.{told}String") for value in values)


def test_the_gateway_may_write_logs_before_a_stage_asks_for_it(default: Stack) -> None:
    assert default.only("AWS::ApiGateway::Account")["CloudWatchRoleArn"] == {"Fn::GetAtt": ["GatewayWriter", "Arn"]}
    (tag,) = default.resources["AccessLogs"]["Properties"]["Tags"]  # the stage needs the group, the group the account
    assert tag["Value"] == {"Ref": "GatewayAccount"}
    for name in ("GatewayAccount", "GatewayWriter"):
        assert default.resources[name]["DeletionPolicy"] == "Retain"  # other APIs of the account may need it by then


def test_an_account_that_has_a_role_for_its_gateway_keeps_it() -> None:
    kept = stack(GatewayLogRole="Existing")
    assert "GatewayWriter" not in kept.resources and "GatewayAccount" not in kept.resources
    assert kept.resources["AccessLogs"]["Properties"]["Tags"][0]["Value"] == "existing-role"


@EVERY_KIND
def test_nothing_refers_to_what_is_not_there_and_scripts_find_their_outputs(kind: str) -> None:
    made = stack(**KINDS[kind])
    assert made.outputs.keys() >= {"ApiUrl", "PredictUrl", "FunctionName", "FunctionAlias", "AccessLogGroup"}
    assert made.outputs.keys() >= {"DeploymentApplication", "DeploymentGroup", "FunctionLogGroup"}
    for name, it in {**made.resources, **made.outputs}.items():
        named = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)(?:\.\w+)*\}', json.dumps(it))
        assert {subject for match in named for subject in match if subject} <= made.resources.keys(), name


def test_what_has_a_condition_is_in_one_kind_of_stack_and_not_in_another() -> None:
    conditional = {name for name, it in translated()["Resources"].items() if "Condition" in it}
    resources = [stack(**given).resources.keys() for given in KINDS.values()]
    assert conditional <= set().union(*resources) - set.intersection(*map(set, resources))


@EVERY_KIND
def test_every_permission_names_its_actions_and_its_resources(kind: str) -> None:
    for name, it in stack(**KINDS[kind]).statements():
        assert not {"NotAction", "NotResource", "NotPrincipal"} & it.keys(), name
        assert not [action for action in listed(it["Action"]) if "*" in action or "?" in action], name
        assert it.get("Principal") not in ("*", {"AWS": "*"}), name
        actions = set(listed(it["Action"]))
        if name == "AlarmKey" or actions == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}:
            continue  # a key's policy is about that key; X-Ray knows no resource for these two
        for resource in listed(it["Resource"]):
            is_a_kind = re.fullmatch(r"\*|arn:(?:[^:]*:){4}[a-z-]*[:/]?\*", str(resource))
            assert not is_a_kind or actions == {"cloudwatch:DescribeAlarms"}, name


@EVERY_KIND
def test_a_role_is_for_one_service_and_has_no_managed_policy_but_the_gateways(kind: str) -> None:
    for name, role in stack(**KINDS[kind]).named("AWS::IAM::Role").items():
        (trusts,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trusts["Principal"].keys(), trusts["Action"]) == ({"Service"}, "sts:AssumeRole"), name
        gateways = ["arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"]
        assert role.get("ManagedPolicyArns", []) == (gateways if name == "GatewayWriter" else []), name


def test_every_parameter_is_used() -> None:
    text = json.dumps({key: value for key, value in translated().items() if key != "Parameters"})
    for name in translated()["Parameters"]:
        assert f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name


def test_the_page_names_every_parameter_with_its_default() -> None:
    deploy = page("deploy")
    for name, parameter in translated()["Parameters"].items():
        told = re.findall(rf"`{name}`(?: \(([^)]*)\))?", deploy)
        assert told, name
        default = str(parameter["Default"])
        if default and name != "BaseImage":
            assert any(re.sub("[,`]", "", it).startswith(default) for it in told), name


def test_the_page_names_every_output() -> None:
    deploy = page("deploy")
    for name in translated()["Outputs"]:
        assert f"`{name}`" in deploy, name


def test_the_template_stays_under_51200_bytes_by_anchors_and_without_merge_keys() -> None:
    """SAM writes anchors out before it sends the template; at merge keys cfn-lint warns."""
    text = TEMPLATE.read_text(encoding="utf-8")
    assert len(text.encode()) <= 51_200 and "<<:" not in text
