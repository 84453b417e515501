"""docs/forwarder.yaml: the stack of rules in each account and Region of an organisation. ``--write`` writes it.

And its patterns and the rules' role again in the layer, as forwarder.json, so that the hub knows what should be there.

Its patterns and the permissions of its role are made of the families' rules and roles in template.yaml, so that neither
grows apart from what the hub's functions want and do.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

from local.generated import generate
from local.settings import LONGEST_STACK, PROJECT

TEMPLATE = PROJECT / "template.yaml"
PAGE = PROJECT / "docs" / "forwarder.yaml"
PATTERNS = PROJECT / "shared" / "relight" / "policy" / "forwarder.json"
# The rules that watch the others, and the first of them.
WATCH, WATCHER = "events", "events-watch"

API_CALL, NETWORK_ACTIVITY = "AWS API Call via CloudTrail", "AWS Network Activity Event via CloudTrail"
NAMED = "${HubStack}-forwarder"  # what is the forwarder's begins so: the role may mend the rules, in every Region
RULES = f"arn:${{AWS::Partition}}:events:*:${{AWS::AccountId}}:rule/{NAMED}-*"
# What a function's role has for the sake of the hub itself: to tell, to remember, to run, to reach a member.
HUBS_OWN = (
    "dynamodb:", "kms:Decrypt", "kms:GenerateDataKey", "lambda:", "logs:CreateLogStream", "logs:PutLogEvents",
    "securityhub:", "sns:Publish", "sqs:", "sts:",
)  # fmt: skip
HUBS_BUS = {"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${AWS::StackName}"}
# CreateFlowLogs by a caller that may also write the bucket's policy makes EC2 rewrite that policy.
CREATES_FLOW_LOGS = "*:${HubStack}-FlowLogsFunction-*"  # of aws:userid: the role's id, and the session's name

HEAD = """\
# Relight's forwarder: a stack of rules in each account and Region of an organisation. Generated from template.yaml by
# `make docs`; docs/organisation.md says how to roll it out.
#   Rules         send what the hub's functions want to know to the hub's bus; no code runs here
#   Undelivered   holds what did not get there, for 14 days
#   Member        in one Region of each account: the role in which the hub's functions read and repair
"""


def template() -> dict[str, Any]:
    """The forwarder, as data: intrinsic functions in their long form."""
    hub = _hub()
    rules = dict(_rules(hub))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Relight's forwarder tells the hub what is done to the logging here, and lets it repair that.",
        "Parameters": _PARAMETERS,
        "Conditions": {
            "IsRoleRegion": {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "RoleRegion"}]},
            "SetABoundary": {"Fn::Not": [{"Fn::Equals": [{"Ref": "MemberBoundary"}, ""]}]},
        },
        "Resources": rules | {"SendRole": _SEND_ROLE} | _UNDELIVERED | {"Member": _member(hub)},
        "Outputs": {
            "UndeliveredQueueUrl": {
                "Description": "What never reached the hub",
                "Value": {"Ref": "Undelivered"},
            },
            "MemberRoleArn": {
                "Condition": "IsRoleRegion",
                "Description": "The role that the hub assumes",
                "Value": _attribute("Member", "Arn"),
            },
        },
    }


def patterns(hub: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """An event pattern for each source, by a name for its rule. Together they match what the families' rules match.

    `hub` are the resources of template.yaml. No two match one event, for a bus gets it again from each rule that does.
    """
    wanted: dict[str, dict[str, None]] = {}
    found: dict[str, dict[str, Any]] = {}
    for rule in families(hub):
        pattern = rule["EventPattern"]
        if pattern["detail-type"] == [API_CALL]:
            for source in pattern["source"]:
                wanted.setdefault(source, {}).update(dict.fromkeys(pattern["detail"]["eventName"]))
        else:
            found["network-activity"] = pattern
    for source, names in wanted.items():
        found[source.removeprefix("aws.")] = {
            "source": [source],
            "detail-type": [API_CALL],
            "detail": {"eventName": sorted(names), "errorCode": [{"exists": False}]},
        }
    return dict(sorted((found | _watching(found, hub)).items()))


def _watching(others: Iterable[str], hub: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Patterns for whoever touches the forwarder's own rules: one rule watches the others, and another one it.

    EventBridge forgets what happened just before a rule was switched off, if no other rule hands it on.
    """
    pattern = hub["ForwarderRule"]["Properties"]["EventPattern"]
    watched = {WATCH: (*others, WATCHER), WATCHER: (WATCH,)}
    return {name: {**pattern, "detail": {**pattern["detail"], **_naming(rules)}} for name, rules in watched.items()}


def _naming(rules: Iterable[str]) -> dict[str, Any]:
    """Of a pattern's detail: that one of these rules is named, as the call in question does that."""
    listed = sorted(f"{NAMED}-{name}" for name in rules)
    return {"$or": [{"requestParameters": {parameter: listed}} for parameter in ("name", "rule")]}


def families(hub: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rules on events of CloudTrail, but those on Relight itself: of the guards, and on the forwarder."""
    return [
        each["Properties"]
        for name, each in hub.items()
        if each["Type"] == "AWS::Events::Rule"
        and not name.startswith(("Guard", "Forwarder"))
        and each["Properties"]["EventPattern"]["detail-type"] in ([API_CALL], [NETWORK_ACTIVITY])
    ]


def _rules(hub: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pattern in patterns(hub).items():
        yield (
            f"{name.title().replace('-', '')}Rule",
            {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": {"Fn::Sub": f"{NAMED}-{name}"},
                    "Description": "Relight: sends events to the hub",
                    "EventPattern": _with_names(pattern),
                    "Targets": [
                        {
                            "Id": "Hub",
                            "Arn": {"Ref": "HubBusArn"},
                            "RoleArn": _attribute("SendRole", "Arn"),
                            "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185},
                            "DeadLetterConfig": {"Arn": _attribute("Undelivered", "Arn")},
                        }
                    ],
                },
            },
        )


def _with_names(pattern: Any) -> Any:
    """A pattern in which CloudFormation fills in the hub's stack."""
    if isinstance(pattern, str):
        return {"Fn::Sub": pattern} if "${" in pattern else pattern
    if isinstance(pattern, list):
        return [_with_names(each) for each in pattern]
    return {key: _with_names(value) for key, value in pattern.items()} if isinstance(pattern, Mapping) else pattern


def _member(hub: Mapping[str, Any]) -> dict[str, Any]:
    """The role that the hub's functions assume: what their own roles may do there, and the repair of the forwarder."""
    roles = {name: each["Properties"]["Policies"] for name, each in hub.items() if _is_function_role(name, each)}
    shared = [each["Properties"] for each in hub.values() if each["Type"] == "AWS::IAM::Policy" and _is_of(roles, each)]
    needed = {name: _abroad(policies) for name, policies in {**roles, "": shared}.items()}
    trusted = [name for name, policies in needed.items() if name and policies]
    return {
        "Type": "AWS::IAM::Role",
        "Condition": "IsRoleRegion",
        "Properties": {
            "RoleName": {"Ref": "MemberRole"},
            "PermissionsBoundary": _BOUNDARY,
            "Description": "Lets the functions of Relight's hub read and repair what keeps this account's logs",
            "AssumeRolePolicyDocument": _document(
                {
                    "Sid": "FunctionsOfTheHub",
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${HubAccount}:root"}},
                    "Action": "sts:AssumeRole",
                    "Condition": {
                        "StringEquals": {
                            "sts:ExternalId": {"Ref": "OrganizationId"},
                            "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
                        },
                        "ArnLike": {"aws:PrincipalArn": [{"Fn::Sub": f"{_HUBS_ROLES}-{name}-*"} for name in trusted]},
                    },
                }
            ),
            "Policies": [
                *(policy for policies in needed.values() for policy in policies),
                {"PolicyName": "never", "PolicyDocument": _document(*_NEVER)},
            ],
        },
    }


def _is_function_role(name: str, resource: Mapping[str, Any]) -> bool:
    return resource["Type"] == "AWS::IAM::Role" and name.endswith("FunctionRole") and not name.startswith("Guard")


def _is_of(roles: Iterable[str], policy: Mapping[str, Any]) -> bool:
    """Whether a policy that stands by itself is one of these roles'."""
    return any(each.get("Ref") in roles for each in policy["Properties"]["Roles"])


def _abroad(policies: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A function's policies on the resources of an account, as they must read in a member."""
    found = []
    for policy in policies:
        statements = [_without_the_hubs_own(each) for each in policy["PolicyDocument"]["Statement"]]
        kept = [_anywhere(each) for each in statements if each["Action"]]
        if kept:
            found.append({"PolicyName": policy["PolicyName"], "PolicyDocument": _document(*kept)})
    return found


def _without_the_hubs_own(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement without the actions that are of no use in a member."""
    action = statement["Action"]
    kept = [each for each in ([action] if isinstance(action, str) else action) if not each.startswith(HUBS_OWN)]
    return {**statement, "Action": kept[0] if kept and isinstance(action, str) else kept}


def _anywhere(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of a hub's role for all Regions, and for the hub's bus and key instead of what its stack has."""
    text = json.dumps(statement).replace(json.dumps(HUBS_BUS), json.dumps({"Ref": "HubBusArn"}))
    text = text.replace("${AWS::StackName}", "${HubStack}")
    if "${AWS::Region}" in json.dumps(statement.get("Condition", {})):
        text = text.replace('"StringEquals"', '"StringLike"')
    anywhere: dict[str, Any] = json.loads(text.replace("${AWS::Region}", "*"))
    if isinstance(anywhere["Resource"], list):
        anywhere["Resource"] = [_HUBS_KEYS if _is_the_trail_key(each) else each for each in anywhere["Resource"]]
    return anywhere


_HUBS_ROLES = "arn:${AWS::Partition}:iam::${HubAccount}:role/${HubStack}"
_HUBS_KEYS = {"Fn::Sub": "arn:${AWS::Partition}:kms:*:${HubAccount}:key/*"}


def _is_the_trail_key(resource: Any) -> bool:
    return isinstance(resource, Mapping) and resource.get("Fn::If", [""])[0] == "CreateTrailKey"


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _attribute(resource: str, name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, name]}


_PARAMETERS = {
    "HubBusArn": {
        "Type": "String",
        "Description": "ARN of the hub's bus: the output HubBusArn of its stack.",
        "AllowedPattern": r"^arn:[a-z0-9-]+:events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9._/-]+$",
        "ConstraintDescription": "must be the ARN of an event bus",
    },
    "OrganizationId": {
        "Type": "String",
        "Description": "Id of the organisation, which is the external id of the role too.",
        "AllowedPattern": "^o-[a-z0-9]{10,32}$",
        "ConstraintDescription": "must be the id of an organisation, for example o-a1b2c3d4e5",
    },
    "HubAccount": {
        "Type": "String",
        "Description": "Account of the hub.",
        "AllowedPattern": r"^\d{12}$",
        "ConstraintDescription": "must be the twelve digits of an account",
    },
    "HubStack": {
        "Type": "String",
        "Description": (
            f"Name of the hub's stack. It may have {LONGEST_STACK} characters: with more, CloudFormation would shorten "
            "the names of its roles, which are trusted by how they begin."
        ),
        "Default": "relight",
        "AllowedPattern": f"^[A-Za-z][A-Za-z0-9-]{{0,{LONGEST_STACK - 1}}}$",
        "ConstraintDescription": f"must be the name of a stack, of at most {LONGEST_STACK} characters",
    },
    "MemberRole": {
        "Type": "String",
        "Description": "Name of the role that the hub assumes: the parameter MemberRole of its stack.",
        "Default": "relight-member",
        "AllowedPattern": "^[A-Za-z0-9+=,.@_-]{1,64}$",
        "ConstraintDescription": "must be the name of an IAM role, without a path",
    },
    "MemberBoundary": {
        "Type": "String",
        "Description": (
            "Name, with its path, of an IAM policy in each account that bounds the roles made here, where your "
            "organisation demands one: the parameter MemberBoundary of the hub's stack. It must allow what they do. "
            "Leave empty for none."
        ),
        "Default": "",
        "AllowedPattern": "^([A-Za-z0-9+=,.@_-]+(/[A-Za-z0-9+=,.@_-]+)*)?$",
        "ConstraintDescription": "must be empty, or the name of an IAM policy, without a slash before it",
    },
    "RoleRegion": {
        "Type": "String",
        "Description": "The one Region in which the role is made, for all: IAM knows no Regions.",
        "AllowedPattern": r"^[a-z]{2,4}(-[a-z]+)+-\d$",
        "ConstraintDescription": "must be a Region",
    },
}  # fmt: skip

_BOUNDARY = {
    "Fn::If": [
        "SetABoundary",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${MemberBoundary}"},
        {"Ref": "AWS::NoValue"},
    ]
}

_SEND_ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": {"Fn::Sub": f"{NAMED}-${{AWS::Region}}"},
        "PermissionsBoundary": _BOUNDARY,
        "Description": "Lets the rules of Relight's forwarder send to the hub's bus",
        "AssumeRolePolicyDocument": _document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                    "ArnLike": {"aws:SourceArn": {"Fn::Sub": RULES.replace("*", "${AWS::Region}", 1)}},
                },
            }
        ),
        "Policies": [
            {
                "PolicyName": "send",
                "PolicyDocument": _document(
                    {
                        "Sid": "SendToTheHub",
                        "Effect": "Allow",
                        "Action": "events:PutEvents",
                        "Resource": {"Ref": "HubBusArn"},
                    }
                ),
            }
        ],
    },
}

_UNDELIVERED = {
    "Undelivered": {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": {"Fn::Sub": f"{NAMED}-undelivered"},
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": 1209600,
        },
    },
    "UndeliveredPolicy": {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Undelivered"}],
            "PolicyDocument": _document(
                {
                    "Sid": "RulesOfTheForwarderSend",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": _attribute("Undelivered", "Arn"),
                    "Condition": {"ArnLike": {"aws:SourceArn": {"Fn::Sub": RULES.replace("*", "${AWS::Region}", 1)}}},
                },
                {
                    "Sid": "NoPlainHttp",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": _attribute("Undelivered", "Arn"),
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ),
        },
    },
}

_READ_ROLES = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
_SEND_ROLES = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{NAMED}-*"}
_NEVER: tuple[dict[str, Any], ...] = (
    {
        "Sid": "ChangeThisRole",
        "Effect": "Deny",
        "Action": "iam:*",
        "Resource": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${MemberRole}"},
    },
    {
        "Sid": "ChangeTheRolesOfTheRules",
        "Effect": "Deny",
        "NotAction": [*_READ_ROLES, "iam:PassRole"],
        "Resource": _SEND_ROLES,
    },
    {
        "Sid": "WeakenTheRules",
        "Effect": "Deny",
        "NotAction": [
            "events:DescribeRule",
            "events:EnableRule",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
        ],
        "Resource": {"Fn::Sub": RULES},
    },
    {
        "Sid": "TouchWhatIsUndelivered",
        "Effect": "Deny",
        "Action": "sqs:*",
        "Resource": {"Fn::Sub": f"arn:${{AWS::Partition}}:sqs:*:${{AWS::AccountId}}:{NAMED}-*"},
    },
    # No session may do both, or EC2 would rewrite the policy of the bucket that a flow log delivers to.
    {
        "Sid": "CreateFlowLogsUnderAnotherName",
        "Effect": "Deny",
        "Action": "ec2:CreateFlowLogs",
        "Resource": "*",
        "Condition": {"StringNotLike": {"aws:userid": {"Fn::Sub": CREATES_FLOW_LOGS}}},
    },
    {
        "Sid": "WriteBucketPoliciesUnderThatName",
        "Effect": "Deny",
        "Action": "s3:PutBucketPolicy",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:userid": {"Fn::Sub": CREATES_FLOW_LOGS}}},
    },
)


class _Dumper(yaml.SafeDumper):
    """Writes intrinsic functions in their short form, what is short on one line, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the base class's signature)
        return True


def _mapping(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    (name, value), *others = data.items()
    if others or (name != "Ref" and not name.startswith("Fn::")):
        return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=_is_short(data))
    tag = f"!{name.removeprefix('Fn::')}"
    if name == "Fn::GetAtt":
        return dumper.represent_scalar(tag, ".".join(value))
    return dumper.represent_scalar(tag, value) if isinstance(value, str) else dumper.represent_sequence(tag, value)


def _sequence(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    flow_style = _is_short(data) or all(isinstance(each, str) for each in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style)


def _is_short(data: Any) -> bool:
    return len(json.dumps(data)) < 90


_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)


def page() -> str:
    """The document."""
    return HEAD + yaml.dump(template(), Dumper=_Dumper, sort_keys=False, width=118)


def data() -> str:
    """The patterns, and the two documents of the role that the rules send with, for the layer."""
    role = _SEND_ROLE["Properties"]
    documents = {"trust": role["AssumeRolePolicyDocument"], "send": role["Policies"][0]["PolicyDocument"]}
    return json.dumps({"patterns": patterns(_hub()), **_in_text(documents)}, indent=1) + "\n"


def _in_text(value: Any) -> Any:
    """References as ${NAME}, which the layer fills in."""
    if isinstance(value, list):
        return [_in_text(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() & {"Ref", "Fn::Sub"}:
        return value.get("Fn::Sub") or f"${{{value['Ref']}}}"
    return {key: _in_text(each) for key, each in value.items()}


def _hub() -> dict[str, Any]:
    resources: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    return resources


def main() -> None:
    """Prints the template and its patterns, or writes them."""
    generate("local.forwarder", {PAGE: page, PATTERNS: data})


if __name__ == "__main__":
    main()
