"""A trail that was deleted, made again as its baseline tells: CreateTrail and what follows it.

What CreateTrail refuses is sent again without that which could be the reason: better a trail without its key than none
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html, Errors).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relight.model import Call, Resource, Unread
from relight.policy.delivery import log_group_name
from relight.policy.selectors import Selectors
from relight.policy.trail import Trail
from relight.resources.log_group import creation
from relight.resources.trail_events import put_insights
from relight.standard import Standard

# AWS sets these tags itself, and refuses them from others
# (https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html).
RESERVED_TAGS = "aws:"


def again(trail: Resource, before: Trail, standard: Standard) -> tuple[Call, ...]:
    """The calls that make the trail again, in order: its log group, itself, what it records, its subscribers."""
    calls: list[Call] = []
    if before.log_group and before.log_group_role:
        calls += creation(log_group_name(before.log_group), before.account, before.region, standard)
    calls += [_creation(trail, before, standard), *_selectors(trail.arn, before)]
    if before.logging:
        calls.append(Call("cloudtrail", "StartLogging", {"Name": trail.arn}))
    return (*calls, *subscriptions(before.subscription_filters))


def _selectors(trail_arn: str, before: Trail) -> Iterator[Call]:
    """A new trail logs all management events and has no Insights: what the old one had otherwise is put."""
    basic, advanced, insights = before.event_selectors, before.advanced_event_selectors, before.insight_selectors
    if (basic or advanced) and not isinstance(basic, Unread) and not isinstance(advanced, Unread):
        yield Call("cloudtrail", "PutEventSelectors", {"TrailName": trail_arn, **Selectors(basic, advanced).params})
    if insights and not isinstance(insights, Unread):
        yield put_insights(trail_arn, insights)


def subscriptions(filters: Iterable[Mapping[str, Any]]) -> tuple[Call, ...]:
    """Puts subscription filters back; the group that they belong to is among their parameters."""
    return tuple(Call("logs", "PutSubscriptionFilter", dict(each)) for each in filters)


def _creation(trail: Resource, before: Trail, standard: Standard) -> Call:
    """CreateTrail with everything; refused, for one account; then without the key; then without log group and topic.

    What it could not have, the next round of the repair asks for by itself, and tells that it was refused.
    """
    bare = {
        "Name": trail.name,
        "S3BucketName": before.bucket,
        **({"S3KeyPrefix": before.prefix} if before.prefix else {}),
        "IncludeGlobalServiceEvents": before.global_events,
        "IsMultiRegionTrail": before.multi_region,
        "EnableLogFileValidation": before.log_file_validation,
        **_tags(before),
    }
    readers = _readers(before)
    quiet = {} if before.recursive_logging else {"RecursiveLogging": False}
    key = {"KmsKeyId": before.kms_key} if standard.trusts_key(before.kms_key, before.account) else {}
    create: tuple[Call, ...] = (_create(bare),)
    if readers:
        create = (_create(bare | readers, create),)
    if key:
        create = (_create(bare | readers | key, create),)
    if quiet:  # an older boto3 does not know it
        create = (_create(bare | readers | key | quiet, create),)
    if before.organization:  # which takes rights in the organisation, too
        create = (_create(bare | readers | key | quiet | {"IsOrganizationTrail": True}, create),)
    return create[0]


def _create(params: Mapping[str, Any], instead: tuple[Call, ...] = ()) -> Call:
    return Call("cloudtrail", "CreateTrail", params, already=("TrailAlreadyExistsException",), instead=instead)


def _readers(before: Trail) -> dict[str, str]:
    """The log group and the topic. CreateTrail takes a topic's name or ARN; its name where it is the trail's own."""
    found: dict[str, str] = {}
    if before.log_group and before.log_group_role:
        found |= {"CloudWatchLogsLogGroupArn": before.log_group, "CloudWatchLogsRoleArn": before.log_group_role}
    if before.sns_topic:
        own = before.sns_topic.split(":")[3:5] == [before.region, before.account]
        found["SnsTopicName"] = before.sns_topic.rpartition(":")[2] if own else before.sns_topic
    return found


def _tags(before: Trail) -> dict[str, Any]:
    tags = {} if isinstance(before.tags, Unread) else before.tags
    own = [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith(RESERVED_TAGS)]
    return {"TagsList": own} if own else {}
