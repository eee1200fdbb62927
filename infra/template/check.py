"""What matters of the stack that the template makes, checked on the template as CloudFormation would have it.

Nothing is asked of AWS: what cannot be tried without an account (CodeDeploy's shifting, provisioned concurrency, the
gateway's throttle) is at least connected as it must be. Each rule is looked at in every kind of stack.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from infra.template import deployment, permissions
from infra.template.stack import Finding, Stack, attribute, render, subjects

_KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
_TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"
# The kinds of stack that the parameters can make: every condition holds in one of them, and in another does not.
KINDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "default": {},
        "signed": {"Auth": "Iam", "FunctionUrl": "true", "CorsOrigin": "https://app.example.org"},
        "page": {"WebPage": "true", "FunctionUrl": "true"},
        "mailed": {"AlarmEmail": "on-call@example.org", "AlarmTopicArn": _TOPIC, "LogKeyArn": _KEY},
        "ahead": {
            "ProvisionedConcurrency": "2",
            "ReservedConcurrency": "5",
            "Deployment": "Linear10PercentEvery1Minute",
        },
        "pinned": {"Image": deployment.SOME_IMAGE, "Deployment": "AllAtOnce", "GatewayLogRole": "Existing"},
    }
)
# What stores something, and the property that encrypts it. A type that is new to the template needs a line.
_ENCRYPTED_BY: Mapping[str, str] = MappingProxyType(
    {
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::S3::Bucket": "BucketEncryption",
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::ECR::Repository": "EncryptionConfiguration",
    }
)
_READ_BY_SCRIPTS = ("ApiUrl", "FunctionAlias", "FunctionName", "StopAlarms")


@dataclass(frozen=True)
class Rule:
    """Something that must hold of every kind of stack."""

    name: str
    of: Callable[[Stack], Iterator[Finding]]


@dataclass(frozen=True)
class Checked:
    """A rule, and where it does not hold: findings with the kinds of stack that have them."""

    rule: Rule
    findings: Mapping[Finding, tuple[str, ...]]


def doors(stack: Stack) -> Iterator[Finding]:
    """Every method asks who calls; what asks nobody answers by itself and never reaches the function."""
    for path, methods in stack.paths.items():
        for method, it in ((name, it) for name, it in methods.items() if name != "parameters"):
            is_preflight = method == "options" and it["x-amazon-apigateway-integration"]["type"] == "mock"
            if not it.get("security") and not is_preflight:
                yield Finding("PredictApi", f"{method} {path} asks nobody who they are", "give it security")
    for name, url in stack.named("AWS::Lambda::Url").items():
        if url.get("AuthType") != "AWS_IAM":
            yield Finding(name, "is open to everybody", "AuthType: AWS_IAM")
        if "*" in url.get("Cors", {}).get("AllowOrigins", []):
            yield Finding(name, "answers the pages of every origin", "name the one origin in AllowOrigins")
    for name, api in stack.named("AWS::ApiGateway::RestApi").items():
        if not str(api.get("SecurityPolicy", "")).startswith("SecurityPolicy_TLS13"):
            yield Finding(name, "speaks TLS below 1.2", "set a SecurityPolicy of TLS 1.2 and 1.3")


def limits(stack: Stack) -> Iterator[Finding]:
    """There is a rate for the API, and a rate and a daily quota for a key."""
    for name, stage in stack.named("AWS::ApiGateway::Stage").items():
        every = [it for it in stage.get("MethodSettings", []) if (it["ResourcePath"], it["HttpMethod"]) == ("/*", "*")]
        if not any({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= it.keys() for it in every):
            yield Finding(name, "has no rate for all callers together", "set both throttling limits for /*, *")
    linked = [it["KeyId"] for it in stack.of_type("AWS::ApiGateway::UsagePlanKey")]
    for name in stack.named("AWS::ApiGateway::ApiKey"):
        if {"Ref": name} not in linked:
            yield Finding(name, "is under no usage plan, so it has no limit", "add an AWS::ApiGateway::UsagePlanKey")
    for name, plan in stack.named("AWS::ApiGateway::UsagePlan").items():
        if not plan.get("Throttle") or not plan.get("Quota"):
            yield Finding(name, "bounds no rate or no quota", "set Throttle and Quota")


def encryption(stack: Stack) -> Iterator[Finding]:
    """What is stored is encrypted, and a key that encrypts for alarms lets alarms use it."""
    for kind, wanted in _ENCRYPTED_BY.items():
        for name, it in stack.named(kind).items():
            if not it.get(wanted):
                yield Finding(name, "stores what it gets in the clear", f"set {wanted}")
            elif "alias/aws/sns" in json.dumps(it[wanted]):
                yield Finding(name, "is under SNS's own key, which no alarm may use", "name a key of the stack")
    groups = stack.named("AWS::Logs::LogGroup")
    if any("KmsKeyId" in it for it in groups.values()):  # without one, CloudWatch encrypts by its own key
        for name in (name for name, it in groups.items() if "KmsKeyId" not in it):
            yield Finding(name, "is not under the key that other logs are under", "set KmsKeyId as they do")
    for name, key in stack.named("AWS::KMS::Key").items():
        if not key.get("EnableKeyRotation"):
            yield Finding(name, "is never rotated", "EnableKeyRotation: true")
        users = [it for it in key["KeyPolicy"]["Statement"] if "cloudwatch.amazonaws.com" in it["Principal"].values()]
        if not any({"kms:Decrypt", "kms:GenerateDataKey"} <= set(it["Action"]) for it in users):
            yield Finding(
                name, "may not be used by alarms", "allow cloudwatch.amazonaws.com Decrypt and GenerateDataKey"
            )


def retention(stack: Stack) -> Iterator[Finding]:
    """Logs are kept for a stated time; what an account shares, and older versions, outlive the stack's changes."""
    groups = stack.named("AWS::Logs::LogGroup")
    for name, group in groups.items():
        if not group.get("RetentionInDays"):
            yield Finding(name, "is kept for ever", "set RetentionInDays")
    for name, function in stack.named("AWS::Lambda::Function").items():
        if function.get("LoggingConfig", {}).get("LogGroup") not in [{"Ref": group} for group in groups]:
            yield Finding(
                name, "logs into a group that nobody empties", "name a LogGroup of the stack in LoggingConfig"
            )
    for name, stage in stack.named("AWS::ApiGateway::Stage").items():
        if stage.get("AccessLogSetting", {}).get("DestinationArn") not in [attribute(it, "Arn") for it in groups]:
            yield Finding(name, "keeps no access log", "set AccessLogSetting to a log group of the stack")
    shared = [*stack.named("AWS::ApiGateway::Account"), *(permissions.MANAGED.keys() & stack.resources.keys())]
    for name in [*shared, *stack.named("AWS::Lambda::Version")]:
        if stack.resources[name].get("DeletionPolicy") != "Retain":
            yield Finding(name, "goes when the stack changes", "DeletionPolicy: Retain")


def outputs(stack: Stack) -> Iterator[Finding]:
    """A script finds what it needs, and nothing that is spoken of is missing."""
    for name in (name for name in _READ_BY_SCRIPTS if name not in stack.outputs):
        yield Finding(name, "is no output", "add it to Outputs")
    for name, it in {**stack.resources, **stack.outputs}.items():
        spoken = {key: value for key, value in it.get("Properties", it).items() if key != "Code"}
        for missing in sorted(subjects(spoken) - stack.resources.keys()):
            if not missing.startswith("AWS::"):
                yield Finding(name, f"speaks of {missing}, which is not there", "give both the same Condition")


RULES = (
    Rule("no action is a wildcard", permissions.no_wildcard_action),
    Rule("every permission names its resource", permissions.resources_named),
    Rule("nobody is let in who is not named", permissions.principals_named),
    Rule("every door asks who calls, over TLS 1.2", doors),
    Rule("every caller has a limit", limits),
    Rule("what is stored is encrypted", encryption),
    Rule("logs and versions are kept as stated", retention),
    Rule("there is an alias, of a published version", deployment.alias),
    Rule("API and Function URL call the alias", deployment.calls),
    Rule("the alias moves by CodeDeploy, and back by itself", deployment.canary),
    Rule("golden inputs are replayed before traffic", deployment.hook),
    Rule("alarms stop a deployment", deployment.alarms),
    Rule("alarms tell whoever is to be told", deployment.told),
    Rule("the image can be named by its digest", deployment.image),
    Rule("outputs are there for scripts, and lead somewhere", outputs),
)


def check(template: Path) -> list[Checked]:
    """Look at every rule in every kind of stack that the template makes.

    Raises:
        ConfigError: no template there, or one without the parameters that make the kinds.
        LocalError: SAM cannot translate it.
    """
    return check_stacks(dict(zip(KINDS, render(template, list(KINDS.values())), strict=True)))


def check_stacks(stacks: Mapping[str, Stack]) -> list[Checked]:
    """The same for stacks that are rendered already, by kind."""
    return [Checked(rule, _found(rule, stacks)) for rule in RULES]


def _found(rule: Rule, stacks: Mapping[str, Stack]) -> dict[Finding, tuple[str, ...]]:
    found: dict[Finding, tuple[str, ...]] = {}
    for kind, stack in stacks.items():
        for finding in dict.fromkeys(_looked_at(rule, stack)):
            found[finding] = (*found.get(finding, ()), kind)
    return found


def _looked_at(rule: Rule, stack: Stack) -> Iterator[Finding]:
    """A stack so different that a rule cannot read it breaks the rule."""
    try:
        yield from rule.of(stack)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        about = f"{type(error).__name__}: {error}"
        yield Finding("template", f"is not built as this rule knows it ({about})", "mend the template, or the rule")
