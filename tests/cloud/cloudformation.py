"""Stands in for CloudFormation: change sets and updates of stacks whose templates SAM's translator renders.

Resources that a release has to do with are made in moto: functions, versions, aliases, alarms, roles, log groups.
CodeDeploy is the other stand-in's. The rest (gateway, page, topics) is only noted. Resources are made in the order of
their references; a failure undoes what was done before, unless rollback is disabled. An alias with
`CodeDeployLambdaAliasUpdate` is moved by a deployment from the version that the *stack* believes it has: whether AWS
asks the alias instead is not documented, and this is the harder of the two.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.cloud.codedeploy import CodeDeploy, app_spec
from tests.cloud.protocol import Fault
from tests.infra.template.stacks import decided

MOST_BODY = 51_200  # bytes of a template in a request
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")
_ALARM = {
    "AlarmDescription",
    "Namespace",
    "MetricName",
    "Dimensions",
    "Statistic",
    "ExtendedStatistic",
    "EvaluateLowSampleCountPercentile",
    "Period",
    "EvaluationPeriods",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "AlarmActions",
    "OKActions",
}


class FailedError(Exception):
    """A resource that could not be made or changed."""


@dataclass
class Made:
    """A resource of a stack as it is."""

    kind: str
    physical: str
    attributes: dict[str, str]
    resolved: dict[str, Any]  # its properties, references put in
    raw: dict[str, Any]  # the resource in the template


@dataclass
class ChangeSet:
    name: str
    id: str
    template: str
    parameters: dict[str, str]
    changes: list[dict[str, Any]]
    status: str = "CREATE_COMPLETE"
    reason: str = ""


@dataclass
class Held:
    """One stack."""

    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime | None = None
    template: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Made] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)  # the newest first
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    work: Iterator[None] | None = None
    cancelled: bool = False


class CloudFormation:
    """All stacks of one account."""

    def __init__(
        self,
        translate: Callable[[str, Mapping[str, str]], dict[str, Any]],
        clients: Callable[[str], Any],
        codedeploy: CodeDeploy,
        account: str,
        region: str,
    ) -> None:
        """`clients`: moto's, by the service's name."""
        self._translate, self._client, self._codedeploy = translate, clients, codedeploy
        self._account, self._region = account, region
        self.stacks: dict[str, Held] = {}
        self.pause_before = ""  # a test's: the resource that is not begun while this names it
        self.fail_at = ""  # a test's: the resource that cannot be changed while this names it
        self.inline: dict[str, tuple[str, dict[str, str], str]] = {}  # function -> code, environment, log group
        self._lock = threading.RLock()

    def tick(self) -> None:
        """Let a moment pass."""
        with self._lock:
            for stack in list(self.stacks.values()):
                if stack.work is not None and next(stack.work, "over") == "over":
                    stack.work = None

    # ------------------------------------------------------------------ what AWS answers
    def describe_stacks(self, *, StackName: str = "", **_: object) -> dict[str, Any]:  # noqa: D102
        with self._lock:
            found = [self._found(StackName)] if StackName else list(self.stacks.values())
            return {"Stacks": [_described(it) for it in found]}

    def get_template_summary(self, *, StackName: str, **_: object) -> dict[str, Any]:  # noqa: D102
        return {"Parameters": [{"ParameterKey": key} for key in self._found(StackName).parameters]}

    def create_change_set(  # noqa: D102
        self,
        *,
        StackName: str,
        ChangeSetName: str,
        ChangeSetType: str = "UPDATE",
        TemplateBody: str = "",
        TemplateURL: str = "",
        UsePreviousTemplate: bool = False,
        Parameters: list[dict[str, Any]] | None = None,
        Capabilities: list[str] | None = None,
        **_: object,
    ) -> dict[str, str]:
        with self._lock:
            if ChangeSetType == "CREATE" and StackName not in self.stacks:
                place = (
                    f"arn:aws:cloudformation:{self._region}:{self._account}:stack/{StackName}/{secrets.token_hex(6)}"
                )
                self.stacks[StackName] = Held(StackName, place)
                self._event(self.stacks[StackName], StackName, "REVIEW_IN_PROGRESS", "User Initiated")
            stack = self._found(StackName)
            if ChangeSetType == "UPDATE" and not _changeable(stack):
                raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
            if len(TemplateBody.encode()) > MOST_BODY:
                raise Fault("ValidationError", f"'templateBody' must have length less than or equal to {MOST_BODY}")
            if ChangeSetName in stack.change_sets:
                raise Fault("AlreadyExistsException", f"ChangeSet {ChangeSetName} already exists")
            if "CAPABILITY_AUTO_EXPAND" not in (Capabilities or []):
                raise Fault("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
            template = stack.template if UsePreviousTemplate else TemplateBody or self._read(TemplateURL)
            parameters = self._parameters(stack, template, Parameters or [])
            changes = self._changes(stack, template, parameters)
            place = f"arn:aws:cloudformation:{self._region}:{self._account}:changeSet/{ChangeSetName}"
            made = ChangeSet(ChangeSetName, f"{place}/{secrets.token_hex(6)}", template, parameters, changes)
            if not changes:
                made.status, made.reason = (
                    "FAILED",
                    "The submitted information didn't contain changes. Submit different",
                )
            stack.change_sets[ChangeSetName] = made
            return {"Id": made.id, "StackId": stack.id}

    def describe_change_set(self, *, ChangeSetName: str, StackName: str = "", **_: object) -> dict[str, Any]:  # noqa: D102
        stack, found = self._change_set(ChangeSetName, StackName)
        return {
            "ChangeSetId": found.id,
            "ChangeSetName": found.name,
            "StackId": stack.id,
            "StackName": stack.name,
            "Status": found.status,
            "StatusReason": found.reason,
            "ExecutionStatus": "AVAILABLE" if found.status == "CREATE_COMPLETE" else "UNAVAILABLE",
            "Changes": [{"Type": "Resource", "ResourceChange": it} for it in found.changes],
        }

    def delete_change_set(self, *, ChangeSetName: str, StackName: str = "") -> None:  # noqa: D102
        stack, found = self._change_set(ChangeSetName, StackName)
        del stack.change_sets[found.name]

    def execute_change_set(  # noqa: D102
        self,
        *,
        ChangeSetName: str,
        StackName: str = "",
        DisableRollback: bool = False,
        RetainExceptOnCreate: bool = False,
        **_: object,
    ) -> None:
        with self._lock:
            stack, found = self._change_set(ChangeSetName, StackName)
            if found.status != "CREATE_COMPLETE" or not (stack.status == "REVIEW_IN_PROGRESS" or _changeable(stack)):
                said = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
                raise Fault("InvalidChangeSetStatus", said)
            stack.change_sets.clear()
            stack.cancelled = False
            verb = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
            stack.updated = datetime.now(UTC) if verb == "UPDATE" else None
            self._event(stack, stack.name, f"{verb}_IN_PROGRESS", "User Initiated")
            stack.work = self._change(stack, found, verb, keep=DisableRollback, undo_versions=RetainExceptOnCreate)

    def cancel_update_stack(self, *, StackName: str, **_: object) -> None:  # noqa: D102
        stack = self._found(StackName)
        if stack.status != "UPDATE_IN_PROGRESS":
            raise Fault(
                "ValidationError", f"CancelUpdateStack cannot be called from current stack status {stack.status}"
            )
        stack.cancelled = True

    def describe_stack_events(self, *, StackName: str, **_: object) -> dict[str, Any]:  # noqa: D102
        with self._lock:
            return {"StackEvents": list(self._found(StackName).events)}

    # ------------------------------------------------------------------ what it does
    def _change(self, stack: Held, wanted: ChangeSet, verb: str, *, keep: bool, undo_versions: bool) -> Iterator[None]:
        before = (stack.template, stack.parameters, dict(stack.outputs), dict(stack.resources))
        stack.template, stack.parameters = wanted.template, wanted.parameters
        target = self._decided(wanted.template, wanted.parameters, stack.name)
        done: list[str] = []
        name = ""
        try:
            for name in _in_order(target.resources):
                raw = target.resources[name]
                if self._same(stack, name, raw):
                    stack.resources[name].raw = raw
                    continue
                while name == self.pause_before and not stack.cancelled:
                    yield
                if stack.cancelled:
                    raise FailedError("Resource update cancelled")
                action = "UPDATE" if name in stack.resources else "CREATE"
                self._event(stack, name, f"{action}_IN_PROGRESS", kind=raw["Type"])
                done.append(name)
                yield from self._make(stack, name, raw)
                self._event(stack, name, f"{action}_COMPLETE", kind=raw["Type"])
                yield
        except FailedError as error:
            self._event(stack, name, f"{'UPDATE' if name in before[3] else 'CREATE'}_FAILED", str(error))
            if keep:
                self._event(stack, stack.name, f"{verb}_FAILED", str(error))
                return
            yield from self._undo(stack, before, done, verb, str(error), undo_versions=undo_versions)
            return
        stack.outputs = {key: str(self._resolved(stack, it["Value"])) for key, it in target.outputs.items()}
        gone = [name for name in stack.resources if name not in target.resources]
        if verb == "UPDATE":
            self._event(stack, stack.name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            yield
        for name in gone:
            del stack.resources[name]  # versions are retained
        self._event(stack, stack.name, f"{verb}_COMPLETE")

    def _undo(
        self, stack: Held, before: tuple[Any, ...], done: list[str], verb: str, why: str, *, undo_versions: bool
    ) -> Iterator[None]:
        self._event(
            stack, stack.name, "UPDATE_ROLLBACK_IN_PROGRESS" if verb == "UPDATE" else "ROLLBACK_IN_PROGRESS", why
        )
        template, parameters, outputs, resources = before
        for name in reversed(done):
            yield
            if name in resources:
                old = resources[name]
                if stack.resources[name].resolved == old.resolved:
                    continue
                # As the template before had it, references and all: they lead to the resources before.
                stack.resources |= {key: it for key, it in resources.items() if it.kind == "AWS::Lambda::Version"}
                yield from self._make(stack, name, old.raw)
            elif name in stack.resources:
                made = stack.resources[name]
                if made.kind == "AWS::Lambda::Version" and undo_versions:
                    function, _, number = made.physical.rpartition(":")
                    self._client("lambda").delete_function(FunctionName=function.rpartition(":")[2], Qualifier=number)
        stack.template, stack.parameters, stack.outputs, stack.resources = (
            template,
            parameters,
            outputs,
            dict(resources),
        )
        self._event(stack, stack.name, "UPDATE_ROLLBACK_COMPLETE" if verb == "UPDATE" else "ROLLBACK_COMPLETE")

    def _same(self, stack: Held, name: str, raw: Mapping[str, Any]) -> bool:
        there = stack.resources.get(name)
        if there is None or there.kind != raw["Type"]:
            return False
        return bool(there.resolved == self._resolved(stack, raw.get("Properties", {})))

    def _make(self, stack: Held, name: str, raw: dict[str, Any]) -> Iterator[None]:
        """Make or change one resource."""
        if name == self.fail_at:
            raise FailedError("it cannot be changed, says a test")
        kind, given = raw["Type"], self._resolved(stack, raw.get("Properties", {}))
        old = stack.resources.get(name)
        physical = old.physical if old else f"{stack.name}-{name}-{secrets.token_hex(4).upper()}"
        attributes = {"Arn": f"arn:aws:{kind.split('::')[1].lower()}:{self._region}:{self._account}:{physical}"}
        match kind:
            case "AWS::IAM::Role":
                attributes["Arn"] = f"arn:aws:iam::{self._account}:role/{physical[:64]}"
                _once(
                    old, lambda: self._client("iam").create_role(RoleName=physical[:64], AssumeRolePolicyDocument="{}")
                )
            case "AWS::Logs::LogGroup":
                _once(old, lambda: self._client("logs").create_log_group(logGroupName=physical))
            case "AWS::Lambda::Function":
                attributes["Arn"] = f"arn:aws:lambda:{self._region}:{self._account}:function:{physical}"
                self._make_function(physical, given, is_new=old is None)
            case "AWS::Lambda::Version":
                number = self._publish(given["FunctionName"])
                physical = f"arn:aws:lambda:{self._region}:{self._account}:function:{given['FunctionName']}:{number}"
                attributes["Version"] = number
            case "AWS::Lambda::Alias":
                yield from self._make_alias(stack, given, old, raw)
                physical = (
                    f"arn:aws:lambda:{self._region}:{self._account}:function:{given['FunctionName']}:{given['Name']}"
                )
            case "AWS::CloudWatch::Alarm":
                self._make_alarm(physical, given)
            case "AWS::CodeDeploy::DeploymentGroup":
                self._codedeploy.groups[given["ApplicationName"], physical] = given
        stack.resources[name] = Made(kind, physical, attributes, given, raw)

    def _make_function(self, physical: str, given: Mapping[str, Any], *, is_new: bool) -> None:
        variables = given.get("Environment", {}).get("Variables", {})
        if "ZipFile" in given["Code"]:
            self.inline[physical] = (given["Code"]["ZipFile"], variables, given["LoggingConfig"]["LogGroup"])
            return
        lambdas = self._client("lambda")
        image = given["Code"]["ImageUri"]
        settings = {
            "Role": given["Role"],
            "MemorySize": int(given["MemorySize"]),
            "Environment": {"Variables": variables},
        }
        try:
            if is_new:
                lambdas.create_function(
                    FunctionName=physical, PackageType="Image", Code={"ImageUri": image}, **settings, Timeout=10
                )
            else:
                lambdas.update_function_code(FunctionName=physical, ImageUri=image)
                lambdas.update_function_configuration(FunctionName=physical, **settings)
        except lambdas.exceptions.ClientError as error:
            raise FailedError(f"Resource handler returned message: {error}") from None

    def _publish(self, function: str) -> str:
        """A version of what the function is now, where that is none yet."""
        lambdas = self._client("lambda")
        every = lambdas.list_versions_by_function(FunctionName=function)["Versions"]
        [now] = [it for it in every if it["Version"] == "$LATEST"]
        published = sorted((it for it in every if it is not now), key=lambda it: int(it["Version"]))
        compared = ("CodeSha256", "MemorySize", "Timeout", "Role", "Environment")
        if published and all(published[-1].get(key) == now.get(key) for key in compared):
            number = published[-1]["Version"]
            raise FailedError(f"A version for this Lambda function exists ( {number} ). Modify the function")
        return str(lambdas.publish_version(FunctionName=function)["Version"])

    def _make_alias(
        self, stack: Held, given: Mapping[str, Any], old: Made | None, raw: Mapping[str, Any]
    ) -> Iterator[None]:
        lambdas, where = self._client("lambda"), {"FunctionName": given["FunctionName"], "Name": given["Name"]}
        version = given["FunctionVersion"]
        if old is None:
            lambdas.create_alias(**where, FunctionVersion=version)
            return
        believed = old.resolved["FunctionVersion"]
        policy = self._resolved(stack, raw.get("UpdatePolicy", {})).get("CodeDeployLambdaAliasUpdate")
        if not policy or believed == version:
            if believed != version:
                lambdas.update_alias(**where, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}})
            return
        try:
            name = self._codedeploy.create_deployment(
                applicationName=policy["ApplicationName"],
                deploymentGroupName=policy["DeploymentGroupName"],
                revision=app_spec(*where.values(), believed, version, policy.get("BeforeAllowTrafficHook", "")),
            )["deploymentId"]
        except Fault as fault:
            raise FailedError(f"A conflicting deployment is in progress: {fault.message}") from None
        deployment = self._codedeploy.deployments[name]
        while deployment.status not in ("Succeeded", "Failed", "Stopped"):
            yield
        if deployment.status != "Succeeded":
            raise FailedError(f"CodeDeploy deployment {name} {deployment.status}: {deployment.message}")

    def _make_alarm(self, physical: str, given: Mapping[str, Any]) -> None:
        if "MetricName" not in given:
            return  # metric math: moto takes it, but no deployment watches it
        watch = self._client("cloudwatch")
        there = watch.describe_alarms(AlarmNames=[physical])["MetricAlarms"]
        kept = {key: value for key, value in given.items() if key in _ALARM}
        watch.put_metric_alarm(AlarmName=physical, **kept | {"Threshold": float(given["Threshold"])})
        state = there[0] if there else {"StateValue": "OK", "StateReason": "new"}
        watch.set_alarm_state(
            AlarmName=physical, StateValue=state["StateValue"], StateReason=state["StateReason"] or "-"
        )

    # ------------------------------------------------------------------ templates
    def _decided(self, template: str, parameters: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - a rendered stack
        pseudo = {
            "AWS::StackName": name,
            "AWS::Region": self._region,
            "AWS::AccountId": self._account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        return decided(self._translate(template, parameters), parameters, pseudo)

    def _changes(self, stack: Held, template: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """By the templates alone: a reference to something that is new is a change."""
        new = self._decided(template, parameters, stack.name).resources
        old = {name: it.raw for name, it in stack.resources.items()}
        changes = []
        for name, raw in new.items():
            if name not in old:
                changes.append({"Action": "Add", "LogicalResourceId": name, "ResourceType": raw["Type"]})
            elif raw.get("Properties") != old[name].get("Properties"):
                changes.append(
                    {"Action": "Modify", "LogicalResourceId": name, "ResourceType": raw["Type"], "Replacement": "False"}
                )
        changes += [
            {"Action": "Remove", "LogicalResourceId": name, "ResourceType": old[name]["Type"]}
            for name in old
            if name not in new
        ]
        return changes

    def _parameters(self, stack: Held, template: str, given: list[dict[str, Any]]) -> dict[str, str]:
        """The values of all parameters, checked as CloudFormation checks them."""
        known = self._translate(template, {})["Parameters"]
        values = {}
        for it in given:
            key = it["ParameterKey"]
            if key not in known:
                raise Fault("ValidationError", f"Parameters: [{key}] do not exist in the template")
            if it.get("UsePreviousValue") and key not in stack.parameters:
                raise Fault(
                    "ValidationError", f"Invalid input for parameter key {key}. Cannot specify usePreviousValue"
                )
            values[key] = stack.parameters[key] if it.get("UsePreviousValue") else it["ParameterValue"]
        values = {key: str(it["Default"]) for key, it in known.items() if key not in values} | values
        for key, value in values.items():
            pattern, allowed = known[key].get("AllowedPattern"), known[key].get("AllowedValues")
            if (pattern and not re.fullmatch(pattern, value)) or (allowed and value not in map(str, allowed)):
                raise Fault("ValidationError", f"Parameter {key} failed to satisfy constraint: {pattern or allowed}")
        return values

    def _resolved(self, stack: Held, it: Any) -> Any:  # noqa: ANN401 - any JSON value
        """References put in, as far as what they lead to is there."""
        if isinstance(it, list):
            return [self._resolved(stack, value) for value in it]
        if isinstance(it, str):
            return _REFERENCE.sub(lambda found: self._referred(stack, found[1], found[2] or ""), it)
        if not isinstance(it, dict):
            return it
        match it:
            case {"Ref": name}:
                return self._referred(stack, name, "")
            case {"Fn::GetAtt": [name, attribute]}:
                return self._referred(stack, name, attribute)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(map(str, self._resolved(stack, parts)))
        return {key: self._resolved(stack, value) for key, value in it.items()}

    def _referred(self, stack: Held, name: str, attribute: str) -> str:
        made = stack.resources.get(name)
        if made is None:
            return f"{name}.{attribute}"
        return made.attributes.get(attribute, f"{made.physical}.{attribute}") if attribute else made.physical

    def _read(self, url: str) -> str:
        bucket, _, key = url.partition("://")[2].partition("/")[2].partition("/")
        return str(self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def _event(
        self, stack: Held, name: str, status: str, why: str = "", kind: str = "AWS::CloudFormation::Stack"
    ) -> None:
        of_stack = name == stack.name
        if of_stack:
            stack.status = status
        stack.events.insert(
            0,
            {
                "StackId": stack.id,
                "StackName": stack.name,
                "EventId": secrets.token_hex(8),
                "LogicalResourceId": name,
                "PhysicalResourceId": stack.id if of_stack else name,
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": why,
                "Timestamp": datetime.now(UTC),
            },
        )

    def _found(self, name: str) -> Held:
        for stack in self.stacks.values():
            if name in (stack.name, stack.id):
                return stack
        raise Fault("ValidationError", f"Stack with id {name} does not exist")

    def _change_set(self, name: str, stack_name: str) -> tuple[Held, ChangeSet]:
        for stack in [self._found(stack_name)] if stack_name else self.stacks.values():
            for found in stack.change_sets.values():
                if name in (found.name, found.id):
                    return stack, found
        raise Fault("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")


def _once(old: Made | None, make: Callable[[], object]) -> None:
    """Make what is never changed."""
    if old is None:
        make()


def _changeable(stack: Held) -> bool:
    return stack.status == "UPDATE_FAILED" or stack.status in (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    )


def _described(stack: Held) -> dict[str, Any]:
    described: dict[str, Any] = {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "Parameters": [{"ParameterKey": key, "ParameterValue": it} for key, it in stack.parameters.items()],
        "Outputs": [{"OutputKey": key, "OutputValue": it} for key, it in stack.outputs.items()],
    }
    return described | ({"LastUpdatedTime": stack.updated} if stack.updated else {})


def _in_order(resources: Mapping[str, Any]) -> list[str]:
    """Every resource after those that it refers to or depends on."""
    order: list[str] = []
    state: dict[str, bool] = {}

    def visit(name: str) -> None:
        if name in state:
            return
        state[name] = False
        for other in sorted(_references(resources[name])):
            if other in resources:
                visit(other)
        order.append(name)

    for name in resources:
        visit(name)
    return order


def _references(it: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    if isinstance(it, str):
        return {found[0] for found in _REFERENCE.findall(it)}
    if isinstance(it, list):
        return set().union(*map(_references, it))
    if not isinstance(it, dict):
        return set()
    own = {it["Ref"]} if isinstance(it.get("Ref"), str) else set()
    own |= {it["Fn::GetAtt"][0]} if isinstance(it.get("Fn::GetAtt"), list) else set()
    on = it.get("DependsOn", [])
    return own | set([on] if isinstance(on, str) else on).union(*map(_references, it.values()))
