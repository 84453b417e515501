"""What moto lacks of log groups' filters and keys and of alarm mute rules, answered as botocore's models have them.

moto keeps every PutMetricFilter as one more filter, without the newer fields, and a deleted log group's filters too; it
gives a group a key only when it makes it; of mute rules it knows nothing. What is put here is kept in moto's own
backends, so that a reset forgets it.
"""

from typing import Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException

from local.wire import Answer, Call, written

KEYS = ("AssociateKmsKey", "DisassociateKmsKey")


class _MissingError(ServiceException):
    """There is no such log group or mute rule."""


def answer(call: Call) -> Answer | None:
    """The answer to a call that moto gets wrong; None leaves it to moto."""
    if call.service == "logs" and call.name in (*KEYS, "PutMetricFilter", "DescribeMetricFilters", "DeleteLogGroup"):
        return _logs(call)
    if call.service == "cloudwatch" and "MuteRule" in call.name:
        return written(call, _mute_rules(call))
    return None


def _logs(call: Call) -> Answer | None:
    backend: Any = get_backend("logs")[call.account][call.region]
    given = call.parameters()
    group, kept = given.get("logGroupName"), backend.filters.metric_filters
    if call.name == "DeleteLogGroup":
        kept[:] = [each for each in kept if each["logGroupName"] != group]
        return None
    if group not in backend.groups:
        return written(call, _MissingError("ResourceNotFoundException", "The specified log group does not exist."))
    if call.name in KEYS:
        backend.groups[group].kms_key_id = given.get("kmsKeyId")
        return written(call, {})
    if call.name == "DescribeMetricFilters":
        shown = sorted(
            (each for each in kept if each["logGroupName"] == group), key=lambda each: str(each["filterName"])
        )
        return written(call, {"metricFilters": shown})
    name = given["filterName"]
    kept[:] = [each for each in kept if (each["logGroupName"], each["filterName"]) != (group, name)]
    kept.append(given)
    return written(call, {})


def _mute_rules(call: Call) -> Any:
    backend: Any = get_backend("cloudwatch")[call.account][call.region]
    rules: dict[str, dict[str, Any]] = backend.__dict__.setdefault("alarm_mute_rules", {})
    given = call.parameters()
    if call.name == "PutAlarmMuteRule":
        arn = f"arn:aws:cloudwatch:{call.region}:{call.account}:alarm-mute-rule:{given['Name']}"
        rules[given["Name"]] = {**given, "AlarmMuteRuleArn": arn, "Status": "ACTIVE"}
    elif call.name == "DeleteAlarmMuteRule":
        rules.pop(given["AlarmMuteRuleName"], None)
    elif call.name == "ListAlarmMuteRules":
        shown = ("AlarmMuteRuleArn", "Status")
        return {"AlarmMuteRuleSummaries": [{name: each[name] for name in shown} for each in rules.values()]}
    else:
        name = given["AlarmMuteRuleName"]
        return rules.get(name) or _MissingError("ResourceNotFoundException", f"Alarm mute rule {name} does not exist.")
    return {}
