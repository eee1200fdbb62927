"""How a new version gets its callers: the rules that connect API, alias, replay, canary and alarms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from infra.template.permissions import Statement, of_role
from infra.template.stack import Finding, Stack, attribute, subject

FUNCTION = "PredictFunction"
SOME_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/limbeck@sha256:" + "0123456789abcdef" * 4
_ANY = "x-amazon-apigateway-any-method"
_STOPS = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
_REPLAY_MAY = (
    ("lambda:InvokeFunction", "${PredictFunction.Arn}:*"),
    ("codedeploy:PutLifecycleEventHookExecutionStatus", "${ServerlessDeploymentApplication}/*"),
)


def alias(stack: Stack) -> Iterator[Finding]:
    """There is an alias of a published version, and copies started ahead follow it."""
    versions = stack.named("AWS::Lambda::Version")
    for name, it in stack.named("AWS::Lambda::Alias").items():
        if it["Name"] != "live" or it["FunctionVersion"] not in [attribute(version, "Version") for version in versions]:
            yield Finding(name, "is not the alias live of a published version", "AutoPublishAlias: live")
    for name, it in versions.items():
        if "ProvisionedConcurrencyConfig" in it:
            yield Finding(name, "has copies started ahead that follow no alias", "set them on the alias")


def calls(stack: Stack) -> Iterator[Finding]:
    """Callers reach the alias and nothing beside it."""
    methods = [(path, it[_ANY]) for path, it in stack.paths.items() if _ANY in it]
    for path, it in methods:
        if not it["x-amazon-apigateway-integration"]["uri"].endswith("${PredictFunction.Arn}:live/invocations"):
            yield Finding("PredictApi", f"{path} does not call the alias", "end its uri with :live/invocations")
    for name, it in stack.named("AWS::Lambda::Permission").items():
        if subject(it["FunctionName"]) not in stack.named("AWS::Lambda::Alias"):
            yield Finding(name, "lets the API call past the alias", "FunctionName: !Ref PredictFunction.Alias")
    for name, it in stack.named("AWS::Lambda::Url").items():
        if it.get("Qualifier") != "live":
            yield Finding(name, "calls past the alias", "Qualifier: live")


def canary(stack: Stack) -> Iterator[Finding]:
    """The alias moves by CodeDeploy alone, in a stated way, and back where that fails or an alarm rings."""
    groups = stack.named("AWS::CodeDeploy::DeploymentGroup")
    for name in stack.named("AWS::Lambda::Alias"):
        if subject(_update(stack, name).get("DeploymentGroupName")) not in groups:
            yield Finding(name, "moves all callers at once, without CodeDeploy", "set a DeploymentPreference")
    for name, group in groups.items():
        if not re.fullmatch(r"CodeDeployDefault\.Lambda[A-Z]\w+", str(group.get("DeploymentConfigName"))):
            yield Finding(name, "has no way to shift callers", "Type: the parameter Deployment")
        back = group.get("AutoRollbackConfiguration", {})
        if not back.get("Enabled") or not set(back.get("Events", [])) >= _STOPS:
            yield Finding(name, "does not go back by itself", f"roll back on {' and '.join(sorted(_STOPS))}")
        if not any(it.allows("lambda:UpdateAlias", attribute(FUNCTION, "Arn")) for it in _deploys(stack)):
            yield Finding(name, "has a role that may not move the alias", "allow lambda:UpdateAlias on the function")


def hook(stack: Stack) -> Iterator[Finding]:
    """Before a new version has callers, its golden inputs are replayed, by something that may do so."""
    (live,) = stack.named("AWS::Lambda::Alias")
    functions = stack.named("AWS::Lambda::Function")
    name = subject(_update(stack, live).get("BeforeAllowTrafficHook"))
    if name not in functions:
        yield Finding(live, "gives a version callers before anything was asked of it", "Hooks: PreTraffic")
        return
    function = functions[name]
    version = {"Ref": subject(stack.only("AWS::Lambda::Alias")["FunctionVersion"])}
    if function.get("Environment", {}).get("Variables", {}).get("NEW_VERSION") != version:
        yield Finding(name, "is not told of the version to replay", "NEW_VERSION: !Ref PredictFunction.Version")
    code = str(function["Code"].get("ZipFile", ""))
    if '{"replay": "golden"}' not in code or "put_lifecycle_event_hook_execution_status" not in code:
        yield Finding(name, "replays nothing, or does not tell CodeDeploy", "invoke the version and put the status")
    role = subject(function["Role"])
    for action, on in _REPLAY_MAY:
        allowed = [on for it in of_role(stack, role) if action in it.actions for on in it.resources]
        if not any(str(it).endswith(on) for it in allowed):
            yield Finding(role, f"may not {action}, which the replay does", f"allow it on …{on}")
    if not any(it.allows("lambda:InvokeFunction", attribute(name, "Arn")) for it in _deploys(stack)):
        yield Finding(live, "is moved by a role that may not call the replay", "allow lambda:InvokeFunction on it")


def alarms(stack: Stack) -> Iterator[Finding]:
    """CodeDeploy watches alarms of this stack, one of them on the new version alone."""
    known = stack.named("AWS::CloudWatch::Alarm")
    own = {"Name": "ExecutedVersion", "Value": stack.only("AWS::Lambda::Alias")["FunctionVersion"]}
    for name, group in stack.named("AWS::CodeDeploy::DeploymentGroup").items():
        watched = group.get("AlarmConfiguration", {})
        names = [subject(it["Name"]) for it in watched.get("Alarms", [])]
        if not watched.get("Enabled") or not names or not set(names) <= known.keys():
            yield Finding(name, "watches no alarm, or one that is not there", "list alarms of the stack in Alarms")
        if not any(own in known.get(it, {}).get("Dimensions", []) for it in names):
            yield Finding(name, "watches the new version only mixed with the old", "add an alarm on ExecutedVersion")
        if not any("cloudwatch:DescribeAlarms" in it.actions for it in _deploys(stack)):
            yield Finding(name, "has a role that may not read alarms", "allow cloudwatch:DescribeAlarms")


def told(stack: Stack) -> Iterator[Finding]:
    """Every alarm tells whoever is to be told, when it starts and when it ends."""
    wanted = [{"Ref": name} for name in stack.named("AWS::SNS::Topic")]
    every = stack.named("AWS::CloudWatch::Alarm")
    most: list[object] = max((it.get("AlarmActions", []) for it in every.values()), key=len, default=[])
    for name, it in every.items():
        actions = it.get("AlarmActions", [])
        if actions != it.get("OKActions", []) or actions != most or not all(topic in actions for topic in wanted):
            yield Finding(name, "does not tell what other alarms tell", "name each topic in AlarmActions and OKActions")
    for name in stack.named("AWS::SNS::Topic"):
        sends = [it for it in stack.of_type("AWS::SNS::TopicPolicy") if {"Ref": name} in it["Topics"]]
        if "cloudwatch.amazonaws.com" not in json.dumps(sends):
            yield Finding(name, "takes nothing from alarms", "let cloudwatch.amazonaws.com publish in a TopicPolicy")


def image(stack: Stack) -> Iterator[Finding]:
    """The image can be named by its digest, and by nothing that can be moved to another image."""
    pattern = stack.parameters.get("Image", {}).get("AllowedPattern", "")
    if not pattern or not re.fullmatch(pattern, SOME_IMAGE):
        yield Finding("Image", "takes no image by its digest", "a parameter whose AllowedPattern takes @sha256:…")
    elif re.fullmatch(pattern, SOME_IMAGE.partition("@")[0] + ":latest"):
        yield Finding("Image", "takes a tag, which can be moved", "let AllowedPattern want @sha256:…")
    if stack.named("AWS::Lambda::Function")[FUNCTION].get("PackageType") != "Image":
        yield Finding(FUNCTION, "is no image", "PackageType: Image")


def _update(stack: Stack, live: str) -> dict[str, object]:
    """What CodeDeploy does when the alias is to move."""
    update: dict[str, object] = stack.resources[live].get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
    return update


def _deploys(stack: Stack) -> list[Statement]:
    """What CodeDeploy may do."""
    groups = stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    return [it for group in groups for it in of_role(stack, subject(group.get("ServiceRoleArn")))]
