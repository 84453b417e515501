"""The real template, transformed as SAM would and created in moto's CloudFormation.

What moto's CloudFormation cannot make is made here through the services' own calls. Nothing here fires schedules and
alarms.
"""

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
from moto.backends import get_backend
from moto.cloudformation.parsing import ResourceMap, clean_json, get_model_map
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.place import Place
from local.settings import ALERT_EMAIL, PROJECT, REGION, STACK

# SAM packages code to a bucket; here it runs from the checkout, so where it would be does not matter.
_PACKAGED = "s3://not-packaged/local.zip"
os.environ.setdefault("VALIDATE_LAMBDA_S3", "false")

PARAMETERS = {"AlertEmail": ALERT_EMAIL, "CreateDelaySeconds": "0"}


@dataclass(frozen=True)
class Function:
    """One deployed function, with all that Lambda knows of it."""

    family: str  # the folder of its code, by which people call it
    logical_id: str
    name: str
    arn: str
    role: str
    handler: str
    memory: int
    timeout: int
    environment: dict[str, str]
    code: Path
    retries: int = 2
    on_failure: str | None = None


@dataclass(frozen=True)
class Stack:
    """The deployed stack: physical names by logical id, outputs, and functions by family."""

    id: str
    resources: dict[str, str]
    outputs: dict[str, str]
    functions: dict[str, Function] = field(default_factory=dict)

    @property
    def is_hub(self) -> bool:
        return "HubBusArn" in self.outputs

    def function(self, name_or_arn: str) -> Function | None:
        """Finds a function by any of the names that a caller may use: name, ARN, ARN with a qualifier."""
        wanted = ":".join(name_or_arn.split(":")[:7])
        return next((each for each in self.functions.values() if wanted in (each.name, each.arn)), None)


def deploy(place: Place, template: Path = PROJECT / "template.yaml", **parameters: str) -> Stack:
    """Creates the stack and returns what it became."""
    source = _source(template)
    given = {name: value for name, value in (PARAMETERS | parameters).items() if name in source.get("Parameters", {})}
    body = transformed(template, tuple(sorted(given.items())))
    built = _create(place, STACK, body, given)
    _write_out_key_policies(place)
    _write_out_variables(place)
    resolved = _Resolved(body["Resources"], built.resource_map)
    _complete(place, resolved)
    return Stack(
        id=built.stack_id,
        resources={
            resource.logical_resource_id: getattr(resource, "physical_resource_id", "")
            for resource in built.stack_resources
            if resource is not None  # its condition is not met
        },
        outputs={output["OutputKey"]: output["OutputValue"] for output in built.outputs or []},
        functions={function.family: function for function in _functions(source, resolved, template.parent)},
    )


def forward(place: Place, template: Path = PROJECT / "docs" / "forwarder.yaml", **parameters: str) -> None:
    """Creates the forwarder's stack there."""
    body = _source(template)
    built = _create(place, f"{STACK}-forwarder", body, parameters)
    _complete(place, _Resolved(body["Resources"], built.resource_map))


def _create(place: Place, name: str, body: Mapping[str, Any], parameters: Mapping[str, str]) -> Any:
    """The stack, as moto has it, of all that moto can make."""
    stack_id = place.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps({**body, "Resources": _possible(body["Resources"])}),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )["StackId"]
    return get_backend("cloudformation")[place.account][place.region].get_stack(stack_id)


def _complete(place: Place, resolved: "_Resolved") -> None:
    """What moto's CloudFormation cannot make, made through the services' own calls."""
    client = place.client
    _put_policies(client, resolved)
    for _, config in resolved.of_type("AWS::Lambda::EventInvokeConfig"):
        kept = {key: value for key, value in config.items() if key != "Qualifier"}
        destination = {"OnFailure": {"Destination": kept["DestinationConfig"]["OnFailure"]["Destination"]}}
        client("lambda").put_function_event_invoke_config(**{**kept, "DestinationConfig": destination})
    for logical_id, table in resolved.of_type("AWS::DynamoDB::Table"):
        made: Any = resolved.created[logical_id]
        name, backups = made.physical_resource_id, table["PointInTimeRecoverySpecification"]
        client("dynamodb").update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=backups)
        client("dynamodb").update_time_to_live(TableName=name, TimeToLiveSpecification=table["TimeToLiveSpecification"])
        policy = json.dumps(table["ResourcePolicy"]["PolicyDocument"])
        client("dynamodb").put_resource_policy(ResourceArn=made.table_arn, Policy=policy)
    for logical_id, alarm in resolved.of_type("AWS::CloudWatch::Alarm"):
        name = resolved.note(logical_id, "AWS::CloudWatch::Alarm")
        client("cloudwatch").put_metric_alarm(AlarmName=name, **alarm)
    for logical_id, schedule in resolved.of_type("AWS::Scheduler::Schedule"):
        name = resolved.note(logical_id, "AWS::Scheduler::Schedule")
        client("scheduler").create_schedule(Name=name, **schedule)


def _put_policies(client: Callable[[str], Any], resolved: "_Resolved") -> None:
    """Those of buckets, queues, topics and buses; and of roles, which moto keeps as Python's text, not as JSON."""
    for logical_id, role in resolved.of_type("AWS::IAM::Role"):
        made: Any = resolved.created[logical_id]
        for inline in role.get("Policies", ()):
            document = json.dumps(inline["PolicyDocument"])
            client("iam").put_role_policy(
                RoleName=made.physical_resource_id, PolicyName=inline["PolicyName"], PolicyDocument=document
            )
    for _, policy in resolved.of_type("AWS::S3::BucketPolicy"):
        client("s3").put_bucket_policy(Bucket=policy["Bucket"], Policy=json.dumps(policy["PolicyDocument"]))
    for _, policy in resolved.of_type("AWS::SQS::QueuePolicy"):
        for url in policy["Queues"]:
            attributes = {"Policy": json.dumps(policy["PolicyDocument"])}
            client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)
    for _, policy in resolved.of_type("AWS::SNS::TopicPolicy"):
        for arn in policy["Topics"]:
            document = json.dumps(policy["PolicyDocument"])
            client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    for _, policy in resolved.of_type("AWS::Events::EventBusPolicy"):
        statement = {"Sid": policy["StatementId"], **policy["Statement"]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client("events").put_permission(EventBusName=policy["EventBusName"], Policy=document)


def _write_out_key_policies(place: Place) -> None:
    """A stack's keys have their policies as objects in moto, which then cannot describe them: text is what it wants."""
    keys: list[Any] = list(get_backend("kms")[place.account][place.region].keys.values())
    for key in keys:
        if not isinstance(key.policy, str):
            key.policy = json.dumps(key.policy)


def _write_out_variables(place: Place) -> None:
    """Variables are texts in Lambda, whatever they were in the template."""
    deployed: Any = get_backend("lambda")[place.account][place.region].list_functions()
    for function in deployed:
        function.environment_vars = {name: str(value) for name, value in function.environment_vars.items()}


@functools.cache
def _source(template: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml_parse(template.read_text()))


@functools.cache
def transformed(template: Path, parameters: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """The template as CloudFormation gets it, once SAM has written out what is its own."""
    fragment = deepcopy(_source(template))
    for resource in fragment["Resources"].values():
        properties = resource.get("Properties", {})
        for name in properties.keys() & {"CodeUri", "ContentUri"}:
            properties[name] = _PACKAGED
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    return cast("dict[str, Any]", translator.translate(fragment, dict(parameters)))


def _possible(resources: dict[str, Any]) -> dict[str, Any]:
    """The resources that moto can make, with nothing waiting for the others."""
    kept = {logical_id: resource for logical_id, resource in resources.items() if resource["Type"] in get_model_map()}
    for logical_id, resource in kept.items():
        awaited = resource.get("DependsOn", [])
        left = [name for name in ([awaited] if isinstance(awaited, str) else awaited) if name in kept]
        kept[logical_id] = {**resource, "DependsOn": left}
        if resource["Type"] == "AWS::KMS::Key":  # whose tags moto takes by the names that they have in KMS's own calls
            tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in resource["Properties"].get("Tags", ())]
            kept[logical_id]["Properties"] = {**resource["Properties"], "Tags": tags}
    return kept


@dataclass(frozen=True)
class _Resolved:
    """The transformed resources, their intrinsic functions resolved against what was created."""

    resources: dict[str, Any]
    created: ResourceMap

    def properties(self, logical_id: str) -> dict[str, Any]:
        properties = clean_json(deepcopy(self.resources[logical_id].get("Properties", {})), self.created)
        return cast("dict[str, Any]", _without_nothing(properties))

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The logical ids and properties of what is created of a type."""
        for logical_id, resource in self.resources.items():
            condition = resource.get("Condition")
            if resource["Type"] == kind and (condition is None or self.created.lazy_condition_map[condition]):
                yield logical_id, self.properties(logical_id)

    def note(self, logical_id: str, kind: str) -> str:
        """Lets moto's stack list a resource that was made beside it; the resource's name."""
        name = f"{STACK}-{logical_id}-{hashlib.sha256(logical_id.encode()).hexdigest()[:12].upper()}"
        listed: Any = self.created
        listed._resource_json_map[logical_id] = self.resources[logical_id]  # noqa: SLF001 (moto has no other way)
        listed._parsed_resources[logical_id] = SimpleNamespace(  # noqa: SLF001 (as above)
            logical_resource_id=logical_id, physical_resource_id=name, cf_resource_type=kind
        )
        return name


def _without_nothing(value: Any) -> Any:
    """A value without what AWS::NoValue left in its lists: moto takes that out of mappings only."""
    if isinstance(value, dict):
        return {name: _without_nothing(each) for name, each in value.items()}
    return [_without_nothing(each) for each in value if each is not None] if isinstance(value, list) else value


def _functions(source: dict[str, Any], resolved: _Resolved, root: Path) -> Iterator[Function]:
    invoke_configs = {
        config["FunctionName"]: config for _, config in resolved.of_type("AWS::Lambda::EventInvokeConfig")
    }
    shared_code = source.get("Globals", {}).get("Function", {}).get("CodeUri")
    for logical_id, resource in source["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resolved.properties(logical_id)
        created: Any = resolved.created[logical_id]
        code = root / resource["Properties"].get("CodeUri", shared_code)
        config = invoke_configs.get(created.function_name, {})
        variables = properties.get("Environment", {}).get("Variables", {})
        yield Function(
            family=code.name,
            logical_id=logical_id,
            name=created.function_name,
            arn=created.function_arn,
            role=properties["Role"],
            handler=properties["Handler"],
            memory=int(properties.get("MemorySize", 128)),
            timeout=int(properties.get("Timeout", 3)),
            environment={name: str(value) for name, value in variables.items()},
            code=code,
            retries=int(config.get("MaximumRetryAttempts", 2)),
            on_failure=config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
        )
