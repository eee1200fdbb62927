"""The page's home in the cloud: private, and allowed to call the API only where it is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from distill.web import policy
from tests.infra.template.stacks import stack

ORIGIN = "https://app.example.org"
PAGE = "https://${PageDistribution.DomainName}"


def origins(**parameters: str) -> set[str]:
    """Every origin that the API and the function are told to answer."""
    made = stack(**parameters)
    answered = {
        methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"][
            "method.response.header.Access-Control-Allow-Origin"
        ]
        for methods in made.paths.values()
        if "options" in methods
    }
    refused = {
        it["responseParameters"].get("gatewayresponse.header.Access-Control-Allow-Origin", "")
        for it in made.gateway_responses.values()
    }
    variables = made.resources["PredictFunction"]["Properties"]["Environment"]["Variables"]
    urls = [it["Cors"]["AllowOrigins"][0] for it in made.of_type("AWS::Lambda::Url") if "Cors" in it]
    found = {it.strip("'") for it in answered | refused} | {variables["CORS_ORIGIN"], *map(_text, urls)}
    return {_text(it) for it in found}


def _text(it: Any) -> str:  # noqa: ANN401 - a text, or one of CloudFormation's functions
    return it if isinstance(it, str) else str(it["Fn::Sub"])


def test_without_being_asked_for_there_is_no_page_and_no_page_may_call() -> None:
    made = stack()
    assert not [it for it in made.resources if it.startswith("Page")]
    assert not made.outputs.keys() & {"PageUrl", "PageBucket"}
    assert origins() == {""}


def test_with_the_page_its_origin_alone_may_call_and_one_that_is_named_goes_before() -> None:
    assert origins(WebPage="true", FunctionUrl="true") == {PAGE}
    assert origins(WebPage="true", FunctionUrl="true", CorsOrigin=ORIGIN) == {ORIGIN}
    assert origins(FunctionUrl="true", CorsOrigin=ORIGIN) == {ORIGIN}


def test_the_bucket_is_read_by_this_one_distribution_and_by_tls_alone() -> None:
    made = stack(WebPage="true")
    bucket = made.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["BucketEncryption"]
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    allowed, denied = made.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert allowed["Condition"]["StringEquals"]["AWS:SourceArn"].endswith(":distribution/${PageDistribution}")
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (origin,) = made.only("AWS::CloudFront::Distribution")["DistributionConfig"]["Origins"]
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["PageAccess", "Id"]}
    assert made.only("AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_the_distribution_speaks_https_keeps_no_log_and_passes_nothing_on() -> None:
    config = stack(WebPage="true").only("AWS::CloudFront::Distribution")["DistributionConfig"]
    behavior = config["DefaultCacheBehavior"]
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["AllowedMethods"] == ["GET", "HEAD"]
    assert "Logging" not in config
    assert "OriginRequestPolicyId" not in behavior


def test_its_headers_are_those_of_the_page() -> None:
    config = stack(WebPage="true").only("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    sent = {it["Header"]: it["Value"] for it in config["CustomHeadersConfig"]["Items"]} | {
        "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"] else "",
    }
    # But for the API: there any of the region, as the page's own policy, in the page, names the one.
    assert sent == policy.headers("https://*.execute-api.eu-west-1.amazonaws.com")
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000
    assert all(it["Override"] for it in security.values())


@pytest.mark.parametrize("output", ["PageUrl", "PageBucket"])
def test_what_is_needed_to_fill_it_is_put_out(output: str) -> None:
    assert output in stack(WebPage="true").outputs


def test_nothing_waits_for_itself() -> None:
    """The API waits for the distribution's name, so nothing of the page may wait for the API."""
    made = stack(WebPage="true")
    spoken = {name: json.dumps(it) for name, it in made.resources.items() if name.startswith("Page")}
    assert not [name for name, text in spoken.items() if "Predict" in text]
