"""Who may call through which event source, and how other requests are rejected."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.infra.template.stacks import EVERY_KIND, KINDS, Stack, stack, translated

ANY = "x-amazon-apigateway-any-method"
ORIGIN = "https://app.example.org"
CORS = "gatewayresponse.header.Access-Control-Allow-Origin"
BOTH = pytest.mark.parametrize("auth", ["ApiKey", "Iam"])
REFUSED = {
    "UNAUTHORIZED": (401, "unauthenticated"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden"),
    "INVALID_API_KEY": (403, "forbidden"),
    "INVALID_SIGNATURE": (403, "forbidden"),
    "EXPIRED_TOKEN": (403, "forbidden"),
    "ACCESS_DENIED": (403, "forbidden"),
    "WAF_FILTERED": (403, "forbidden"),
    "REQUEST_TOO_LARGE": (413, "too-large"),
    "THROTTLED": (429, "too-many-requests"),
    "QUOTA_EXCEEDED": (429, "too-many-requests"),
    "DEFAULT_4XX": (400, "bad-request"),
    "DEFAULT_5XX": (503, "unavailable"),
}


def asked_for(made: Stack) -> list[Any]:
    """The security of every method that reaches the function."""
    return [methods[ANY]["security"] for methods in made.paths.values()]


def test_by_default_every_method_asks_for_an_api_key() -> None:
    made = stack()
    assert asked_for(made) == [[{"api_key": []}]] * 2
    schemes = made.only("AWS::ApiGateway::RestApi")["Body"]["components"]["securitySchemes"]
    assert schemes["api_key"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}


def test_a_key_is_limited_in_rate_burst_and_requests_a_day() -> None:
    made = stack(RequestsPerDay=500)
    plan = made.only("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": "10", "BurstLimit": "20"}
    assert plan["Quota"] == {"Limit": "500", "Period": "DAY"}
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "PredictApi"}, "Stage": {"Ref": "PredictApiv1Stage"}}]
    link = made.only("AWS::ApiGateway::UsagePlanKey")
    assert link["KeyId"] == {"Ref": "PredictApiApiKey"}
    assert link["UsagePlanId"] == {"Ref": "PredictApiUsagePlan"}
    assert made.only("AWS::ApiGateway::ApiKey")["Enabled"] is True


def test_with_iam_every_method_asks_for_a_signature_and_there_is_no_key() -> None:
    made = stack(Auth="Iam")
    assert asked_for(made) == [[{"sigv4": []}]] * 2
    schemes = made.only("AWS::ApiGateway::RestApi")["Body"]["components"]["securitySchemes"]
    assert schemes["sigv4"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert {"ApiKey", "UsagePlan", "UsagePlanKey"}.isdisjoint(
        resource["Type"].rsplit(":", 1)[1] for resource in made.resources.values()
    )
    assert "ApiKeyId" not in made.outputs


def test_the_event_source_is_one_of_two() -> None:
    assert translated()["Parameters"]["Auth"]["AllowedValues"] == ["ApiKey", "Iam"]


@EVERY_KIND
def test_no_method_but_the_preflight_is_without_security(kind: str) -> None:
    for methods in stack(**KINDS[kind]).paths.values():
        for method in methods.keys() - {"parameters"}:
            preflight = method == "options" and methods[method]["x-amazon-apigateway-integration"]["type"] == "mock"
            assert methods[method].get("security") or preflight


@BOTH
def test_there_is_no_function_url_until_one_is_asked_for(auth: str) -> None:
    made = stack(Auth=auth)
    assert made.of_type("AWS::Lambda::Url") == []
    assert "FunctionUrl" not in made.outputs


@BOTH
def test_a_function_url_always_asks_for_a_signature_and_calls_the_alias(auth: str) -> None:
    made = stack(Auth=auth, FunctionUrl="true")
    url = made.only("AWS::Lambda::Url")
    assert url["AuthType"] == "AWS_IAM"
    assert (url["TargetFunctionArn"], url["Qualifier"]) == ({"Ref": "PredictFunction"}, "live")
    assert made.resources["PredictUrl"]["DependsOn"] == "PredictFunctionAliaslive"
    assert made.outputs["FunctionUrl"]["Value"] == {"Fn::GetAtt": ["PredictUrl", "FunctionUrl"]}
    # Nobody is let in by the function itself; callers bring a policy of their own.
    assert [it["Principal"] for it in made.of_type("AWS::Lambda::Permission")] == ["apigateway.amazonaws.com"]


@pytest.mark.parametrize(
    ("parameters", "actions"),
    [
        ({"Auth": "Iam"}, ["execute-api:Invoke"]),
        ({"FunctionUrl": "true"}, ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]),
        (
            {"Auth": "Iam", "FunctionUrl": "true"},
            ["execute-api:Invoke", "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
        ),
    ],
)
def test_there_is_a_policy_for_callers_that_opens_the_signed_event_sources_alone(
    parameters: dict[str, str], actions: list[str]
) -> None:
    made = stack(**parameters)
    statements = made.only("AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert [statement["Action"] for statement in statements] == actions
    for statement in statements:
        if statement["Action"] == "execute-api:Invoke":
            assert statement["Resource"].endswith(":${PredictApi}/v1/*")
        else:
            assert statement["Resource"] == {"Ref": "PredictFunctionAliaslive"}
            assert statement["Condition"]  # through the URL, not by the Invoke API
    assert made.outputs["CallerPolicyArn"]["Value"] == {"Ref": "CallerPolicy"}


def test_with_keys_alone_there_is_no_policy_for_callers() -> None:
    assert stack().of_type("AWS::IAM::ManagedPolicy") == []


@BOTH
def test_no_page_may_call_until_an_origin_is_named(auth: str) -> None:
    made = stack(Auth=auth, FunctionUrl="true")
    assert all("options" not in methods for methods in made.paths.values())
    assert "Access-Control" not in json.dumps(made.resources)
    assert "Cors" not in made.only("AWS::Lambda::Url")


@BOTH
def test_the_gateway_answers_the_preflight_of_one_origin_without_a_key(auth: str) -> None:
    for methods in stack(Auth=auth, CorsOrigin=ORIGIN).paths.values():
        options = methods["options"]
        assert "security" not in options
        mock = options["x-amazon-apigateway-integration"]
        assert mock["type"] == "mock"
        assert json.loads(mock["requestTemplates"]["application/json"]) == {"statusCode": 204}
        assert mock["contentHandling"] == "CONVERT_TO_TEXT"  # every body is binary, and that would be a 500
        answer = mock["responses"]["default"]
        assert answer["statusCode"] == "204"
        sent = {
            name.removeprefix("method.response.header."): value for name, value in answer["responseParameters"].items()
        }
        assert sent["Access-Control-Allow-Origin"] == f"'{ORIGIN}'"
        assert sent["Access-Control-Allow-Methods"] == "'GET,POST,OPTIONS'"
        assert {"content-type", "x-api-key", "authorization", "content-encoding"} <= set(
            sent["Access-Control-Allow-Headers"].strip("'").split(",")
        )
        assert options["responses"]["204"]["headers"].keys() == sent.keys()  # undeclared ones are dropped


def test_a_function_url_knows_the_one_origin_too() -> None:
    cors = stack(FunctionUrl="true", CorsOrigin=ORIGIN).only("AWS::Lambda::Url")["Cors"]
    assert cors["AllowOrigins"] == [ORIGIN]
    assert cors["AllowMethods"] == ["GET", "POST"]
    assert "AllowCredentials" not in cors


@pytest.mark.parametrize(
    "origin",
    ["*", "https://a.b, https://c.d", "https://*.a.b", "https://a.b/", "https://a.b'", "a.b", "null", "ftp://a.b"],
)
def test_nothing_but_one_exact_origin_can_be_named(origin: str) -> None:
    pattern = translated()["Parameters"]["CorsOrigin"]["AllowedPattern"]
    assert not re.fullmatch(pattern, origin)


@pytest.mark.parametrize("origin", ["", ORIGIN, "http://localhost:8080", "https://A.example:443"])
def test_one_exact_origin_or_none_can_be_named(origin: str) -> None:
    assert re.fullmatch(translated()["Parameters"]["CorsOrigin"]["AllowedPattern"], origin)


@pytest.mark.parametrize("kind", REFUSED)
def test_the_gateway_refuses_with_a_problem_document(kind: str) -> None:
    status, problem = REFUSED[kind]
    refusal = stack().gateway_responses[kind]
    assert refusal["statusCode"] == str(status)
    assert refusal["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    document = json.loads(refusal["responseTemplates"]["application/json"])
    assert document.keys() == {"type", "title", "status", "detail", "instance"}
    assert (document["status"], document["type"]) == (status, f"urn:limbeck:problem:{problem}")
    # The one thing put in is the gateway's own, base64: a caller cannot write it, and it needs no quoting.
    assert re.findall(r"\$\S+", json.dumps(document)) == ['$context.extendedRequestId"}']


def test_every_refusal_of_the_gateway_is_known_here() -> None:
    assert stack().gateway_responses.keys() == REFUSED.keys()


@pytest.mark.parametrize(("kind", "seconds"), [("THROTTLED", 1), ("QUOTA_EXCEEDED", 3600), ("DEFAULT_5XX", 1)])
def test_a_refusal_that_passes_says_when_to_try_again(kind: str, seconds: int) -> None:
    parameters = stack().gateway_responses[kind]["responseParameters"]
    assert parameters["gatewayresponse.header.Retry-After"] == f"'{seconds}'"


def test_a_page_may_read_why_it_was_refused_where_it_may_call_at_all() -> None:
    for refusal in stack(CorsOrigin=ORIGIN).gateway_responses.values():
        assert refusal["responseParameters"][CORS] == f"'{ORIGIN}'"
    for refusal in stack().gateway_responses.values():
        assert CORS not in refusal["responseParameters"]
