"""CloudTrail trails: what a compliant one looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relight.model import Basis, Drift, Mode, Severity, Unread
from relight.policy.control import control, known
from relight.policy.selectors import ALL_MANAGEMENT_EVENTS, Parts, Selectors, covered
from relight.standard import Standard

ENABLED = "Enabled"
NOT_LOOKED_AT = Unread("nobody looked at it")
ONE_ACCOUNT_ONLY = Drift("IsOrganizationTrail", found=False, wanted=True)


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as DescribeTrails and GetTrailStatus show it; absent strings are empty.

    Fields that are not compared say how things are just now; they are no part of a baseline.
    """

    account: str
    region: str
    logging: bool
    log_file_validation: bool
    multi_region: bool
    global_events: bool
    kms_key: str = ""  # ARN
    bucket: str = ""
    prefix: str = ""
    log_group: str = ""
    log_group_role: str = ""
    sns_topic: str = ""
    # As GetEventSelectors and GetInsightSelectors show them; AWS keeps either basic or advanced selectors, never both.
    event_selectors: tuple[Mapping[str, Any], ...] | Unread = ()
    advanced_event_selectors: tuple[Mapping[str, Any], ...] | Unread = ()
    insight_selectors: tuple[Mapping[str, Any], ...] | Unread = ()
    # What the log group hands on: each filter with the parameters of PutSubscriptionFilter.
    subscription_filters: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, str] | Unread = field(default_factory=dict)
    name: str = field(default="", compare=False)
    log_group_exists: bool | Unread = field(default=True, compare=False)
    # Whether CloudTrail's own deliveries to the trail's bucket are logged, where the bucket's events are.
    recursive_logging: bool = True
    organization: bool = False  # whether it is in all accounts of the organisation; here, its owner is this account
    # Whether another multi-Region trail logs all management events of the account.
    covered: bool | Unread = field(default=False, compare=False)
    # Where the bucket is, for the key must be there too; empty: where the trail is, as far as anybody could tell.
    bucket_region: str = field(default="", compare=False)
    # The KeyState of the keys in question, by ARN.
    key_states: Mapping[str, str | Unread] = field(default_factory=dict, compare=False)
    # The errors of its last deliveries, as GetTrailStatus names them; none where a later one succeeded.
    failing: Mapping[str, str] = field(default_factory=dict, compare=False)
    # What other trails of the account log; looked at only where this one lacks what the standard demands.
    elsewhere: Parts | Unread = field(default=(), compare=False)

    @property
    def selectors(self) -> Selectors:
        """Its event selectors. Raises UnknownState where they could not be read."""
        return Selectors(
            known(self.event_selectors, "the trail's event selectors"),
            known(self.advanced_event_selectors, "the trail's event selectors"),
        )

    @property
    def insights(self) -> tuple[Mapping[str, Any], ...]:
        """Its Insights. Raises UnknownState where they could not be read."""
        return known(self.insight_selectors, "the trail's Insights")


@control(
    "trail.logging",
    title="The trail is logging",
    severity=Severity.CRITICAL,
    cis="3.1",
    security_hub="CloudTrail.1",
    triggers=("StopLogging", "CreateTrail"),
    repair="StartLogging",
    introduce=Mode.ENFORCE,
    costs="nothing where it is the only trail; 2.00 for 100,000 management events that another trail logs already",
    basis=Basis.STANDARD,
)
def logging(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Recording is on (GetTrailStatus.IsLogging)."""
    if not trail.logging:
        yield Drift("IsLogging", found=False, wanted=True)


@control(
    "trail.exists",
    title="The trail has not been deleted",
    severity=Severity.CRITICAL,
    cis="3.1",
    security_hub="CloudTrail.1",
    triggers=("DeleteTrail",),
    repair="CreateLogGroup, CreateTrail, PutEventSelectors, PutInsightSelectors, StartLogging, PutSubscriptionFilter",
    absent=True,
    basis=Basis.STANDARD,
)
def exists(trail: Trail | None, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """A trail that there was is there still; and of one that is there, all that making it again would need is known."""
    if trail is None:
        yield Drift("Exists", found=False, wanted=True)
    else:
        known(trail.tags, "the trail's tags")


@control(
    "trail.multi-region",
    title="A multi-Region trail covers the account",
    severity=Severity.HIGH,
    cis="3.1",
    security_hub="CloudTrail.1",
    triggers=("UpdateTrail", "DeleteTrail", "StopLogging"),
    repair="UpdateTrail",
)
def multi_region(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """A trail that was multi-Region still is; any other only has to be where nothing else covers the account.

    A single-Region trail beside one that covers the account is somebody's intention: widening it would buy a second
    copy of every management event. A trail that was the organisation's still is, for to make it the account's own
    deletes it in all others (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html).
    """
    restore = baseline is not None and baseline.multi_region
    widen = not trail.multi_region and (restore or not known(trail.covered, "whether another trail covers the account"))
    if widen:
        yield Drift("IsMultiRegionTrail", found=False, wanted=True)
    # A multi-Region trail must include global service events: AWS refuses one without the other.
    if not trail.global_events and (widen or (baseline is not None and baseline.global_events)):
        yield Drift("IncludeGlobalServiceEvents", found=False, wanted=True)
    if baseline is not None and baseline.organization and not trail.organization:
        yield ONE_ACCOUNT_ONLY


@control(
    "trail.log-file-validation",
    title="Log file validation is on",
    severity=Severity.HIGH,
    cis="3.2",
    security_hub="CloudTrail.4",
    triggers=("UpdateTrail", "CreateTrail"),
    repair="UpdateTrail",
    introduce=Mode.ENFORCE,
    basis=Basis.STANDARD,
)
def log_file_validation(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Digest files are delivered, so that a changed or deleted log file can be noticed."""
    if not trail.log_file_validation:
        yield Drift("LogFileValidationEnabled", found=False, wanted=True)


@control(
    "trail.kms-encryption",
    title="Log files are encrypted with a trusted KMS key",
    severity=Severity.MEDIUM,
    cis="3.5",
    security_hub="CloudTrail.2",
    triggers=("UpdateTrail", "CreateTrail"),
    repair="UpdateTrail",
    costs="1.00 a month for the stack's key, unless it is given one; 0.03 for 10,000 requests to it",
    basis=Basis.STANDARD,
)
def kms_encryption(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """The key is set, enabled, and the account's own or a trusted account's."""
    if trail.kms_key and usable_key(trail, trail.kms_key, standard):
        return
    candidates = key_candidates(trail, standard, baseline)
    wanted = next((key for key in candidates if usable_key(trail, key, standard)), "")
    found = f"{trail.kms_key} ({_why_not(trail, trail.kms_key, standard)})" if trail.kms_key else ""
    if wanted:
        yield Drift("KmsKeyId", found=found, wanted=wanted)
    else:
        unusable = "; ".join(f"{key} is {_why_not(trail, key, standard)}" for key in candidates)
        where = trail.bucket_region or trail.region
        advice = (
            f"No usable key: {unusable}. Enable it, or give the stack another one (parameter TrailKeyArn)."
            if unusable
            else f"No key is known for {where}: give the stack one, or add it to trail_keys in standard.toml."
        )
        yield Drift("KmsKeyId", found=found, wanted=next(iter(candidates), ""), manual=advice)


def key_candidates(trail: Trail, standard: Standard, baseline: Trail | None) -> tuple[str, ...]:
    """The keys that may be put (back) on a trail, best first: the baseline's, then the standard's.

    CloudTrail takes only a key of its bucket's Region
    (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html, KmsKeyNotFoundException).
    """
    own = standard.trail_key(trail.account, trail.bucket_region or trail.region)
    keys = (baseline.kms_key if baseline else "", own)
    return tuple(dict.fromkeys(key for key in keys if key))


def usable_key(trail: Trail, key: str, standard: Standard) -> bool:
    """Whether a key may and can encrypt the trail. Raises UnknownState where its state could not be read.

    The key of a trusted foreign account need not be readable from here.
    """
    if not standard.trusts_key(key, trail.account):
        return False
    state = trail.key_states.get(key, NOT_LOOKED_AT)
    if isinstance(state, Unread) and key.split(":")[4] != trail.account:
        return True
    return known(state, f"the state of KMS key {key}") == ENABLED


def _why_not(trail: Trail, key: str, standard: Standard) -> str:
    if not standard.trusts_key(key, trail.account):
        return "of an account that the standard does not trust"
    return str(known(trail.key_states.get(key, NOT_LOOKED_AT), f"the state of KMS key {key}"))


def logs_all_management_events(shown: Mapping[str, Any]) -> bool:
    """Whether GetEventSelectors' answer logs every management event, reads and writes, without excluded sources."""
    basic, advanced = shown.get("EventSelectors") or (), shown.get("AdvancedEventSelectors") or ()
    return covered(ALL_MANAGEMENT_EVENTS, Selectors(tuple(basic), tuple(advanced)).parts)


def weaker(old: Trail, new: Trail, standard: Standard) -> tuple[Drift, ...]:
    """What a trail that meets its controls has given up since the baseline, and whom it tells of events beside.

    That is another place or key, the organisation's other accounts, a filter less; a topic or filter that was not there
    is somebody who hears of them.
    """
    fields = (
        ("S3BucketName", old.bucket, new.bucket),
        ("S3KeyPrefix", old.prefix, new.prefix),
        ("KmsKeyId", old.kms_key, new.kms_key),
        ("CloudWatchLogsLogGroupArn", old.log_group, new.log_group),
    )
    drifts = [Drift(name, found=now, wanted=was) for name, was, now in fields if was and was != now]
    if old.organization and not new.organization:
        drifts.append(ONE_ACCOUNT_ONLY)
    if old.sns_topic != new.sns_topic:
        drifts.append(Drift("SnsTopicARN", found=new.sns_topic, wanted=old.sns_topic))
    lost = [dict(each) for each in old.subscription_filters if each not in new.subscription_filters]
    if lost:
        drifts.append(Drift("SubscriptionFilters", found=[dict(f) for f in new.subscription_filters], wanted=lost))
    known = {each["filterName"] for each in old.subscription_filters}
    added = [each for each in new.subscription_filters if each["filterName"] not in known]
    return (*drifts, *(Drift("SubscriptionFilter", found=dict(each), wanted="") for each in added))
