"""What the organisation demands: standard.toml (reviewed in git) and the scalars of the stack's environment.

The only place that reads the environment. Everything is read and checked once, when a function starts.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from relight.errors import InvalidSetting
from relight.model import Actor, Mode

SHIPPED = Path(__file__).with_name("standard.toml")

SITUATIONS = ("restore", "introduce", "create")
TRAFFIC = ("REJECT", "ALL")
ACCOUNT = r"[0-9]{12}"
REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"
PLACE = rf"{REGION}|({ACCOUNT}|\*)/({REGION}|\*)"
BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
EVENT_SOURCE = r"[a-z0-9-]+\.amazonaws\.com"
ORGANIZATION = r"o-[a-z0-9]{10,32}"
ROLE_ARN = r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+"
ROLE_NAME = r"[\w+=,.@-]{1,64}"
POLICY_NAME = r"[\w+=,.@-]+(/[\w+=,.@-]+)*"  # with its path
KEY_ARN = r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+"
AGGREGATION = (60, 600)
# So many names to repair, packed, fit into one row of the ledger.
MOST_REPAIRS = 5000
TRAIL_READERS = ("cloudwatch-logs", "siem")
S3_DATA_EVENTS = ("off", "trail-buckets", "all")
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """A resource that a control leaves alone until the end of a day. In the control's id and the ARN * may stand."""

    control: str
    resource: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Standard:
    """The settings, typed. `account` and `region` are the stack's own.

    The maps are keyed by Region in the stack's account, and by ``ACCOUNT/REGION`` elsewhere, in which ``*`` is any.
    What is the stack's own (key, bucket, roles, topic) serves its account and Region: a key or bucket must be of the
    resource's Region, a role of its account, and their policies let nobody else in.
    """

    account: str
    region: str
    ledger: str
    topic: str
    mode: Mode = Mode.ENFORCE  # OBSERVE holds back every write to what Relight guards
    trail_keys: Mapping[str, str] = field(default_factory=dict)
    topic_key: str = ""  # ARN of the key that encrypts the notifications
    access_log_buckets: Mapping[str, str] = field(default_factory=dict)
    trusted_accounts: frozenset[str] = frozenset()
    watched_buckets: frozenset[str] = frozenset()
    flow_logs_role: str = ""
    trail_logs_role: str = ""
    flow_logs_roles: Mapping[str, str] = field(default_factory=dict)
    trail_logs_roles: Mapping[str, str] = field(default_factory=dict)
    flow_logs_destination: str = ""  # ARN of an S3 bucket; empty: a log group for each VPC
    traffic: str = "REJECT"
    aggregation_seconds: int = 600
    retention_days: int = 365
    incident_days: int = 400
    sweep_cap: int = 200  # the most resources that one sweep repairs
    repair_cap: int = 50
    contested_after: int = 5  # attacks within an hour
    trusted_buckets: frozenset[str] = frozenset()
    trusted_keys: frozenset[str] = frozenset()
    trail_reader: str = "cloudwatch-logs"  # or "siem": somebody else reads the trails
    s3_data_events: str | tuple[str, ...] = "trail-buckets"  # or "off", "all", names of buckets
    network_activity_sources: tuple[str, ...] = ()
    modes: Mapping[str, Mapping[str, Mode]] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)  # kind → function name, for the sweep
    stack: str = ""  # ARN of Relight's own stack, for its guards
    guarded: str = "*"  # the logical ids of its parts that this function guards, in which * may stand
    own_roles: frozenset[str] = frozenset()  # whose calls are Relight's own repairs
    organization: str = ""  # id of the organisation that the stack is the hub of; empty: it serves its own account
    member_role: str = "relight-member"  # name of the role that a hub assumes elsewhere
    member_boundary: str = ""  # name of the policy that bounds the forwarder's roles in each account; empty: none does
    member_accounts: tuple[str, ...] = ()  # that the sweep looks at; none: all of the organisation
    function: str = "relight"  # name of this function

    @property
    def partition(self) -> str:
        """The stack's partition (``aws``, ``aws-us-gov``, ``aws-cn``): ARNs never lead out of it."""
        return self.topic.split(":")[1]

    def trusts_key(self, key_arn: str, account: str) -> bool:
        """Whether a KMS key may encrypt what belongs to `account`: its own, a trusted account's, or one named."""
        owner = key_arn.split(":")[4] if key_arn.count(":") >= 5 else ""
        return owner == account or owner in self.trusted_accounts or key_arn in self.trusted_keys

    def trail_key(self, account: str, region: str) -> str:
        """ARN of the key for trails and log groups; empty where none is known."""
        return self._there(self.trail_keys, account, region)

    def access_log_bucket(self, account: str, region: str) -> str:
        """Name of the bucket for access logs; empty where none is known."""
        return self._there(self.access_log_buckets, account, region)

    def flow_logs_role_in(self, account: str, region: str) -> str:
        """ARN of the role that flow logs deliver with; empty where none is known."""
        return (
            self.flow_logs_role if self.is_home(account, region) else self._there(self.flow_logs_roles, account, region)
        )

    def trail_logs_role_in(self, account: str, region: str) -> str:
        """ARN of the role that trails write to log groups with; empty where none is known."""
        return (
            self.trail_logs_role
            if self.is_home(account, region)
            else self._there(self.trail_logs_roles, account, region)
        )

    def topic_in(self, account: str, region: str) -> str:
        """ARN of the topic that alarms may tell, which is of their Region; empty where none is known."""
        return self.topic if self.is_home(account, region) else ""

    def is_home(self, account: str, region: str) -> bool:
        """Whether the stack's own roles and topic serve a place: all that there is, where the stack is no hub."""
        return not self.organization or (account, region) == (self.account, self.region)

    def _there(self, table: Mapping[str, str], account: str, region: str) -> str:
        if account == self.account and region in table:
            return table[region]
        keys = (f"{account}/{region}", f"{account}/*", f"*/{region}", "*/*")
        found = next((table[key] for key in keys if key in table), "")
        return _filled(found, account, region)

    @property
    def stack_name(self) -> str:
        """The stack's name: CloudFormation begins the names of the stack's functions with it, and ends them so."""
        return stack_name(self.stack) if self.stack else self.function.rsplit("-", 2)[0]

    def is_own(self, actor: Actor) -> bool:
        """Whether a call was Relight's own repair."""
        return actor.issuer in self.own_roles

    def may_be_own(self, actor: Actor, account: str) -> bool:
        """Whether a call was made in the role that a hub assumes in an account.

        The account's administrators can let anybody assume it: what such a call took away was no repair.
        """
        role = f"arn:{self.partition}:iam::{account}:role/{self.member_role}"
        return bool(self.organization) and actor.issuer == role

    def exemption(self, control: str, arn: str) -> Exemption | None:
        """The exemption of a resource from a control, the one that lasts longest; it may have expired."""
        found = (e for e in self.exemptions if fnmatchcase(control, e.control) and fnmatchcase(arn, e.resource))
        return max(found, key=lambda e: e.expires, default=None)


def stack_name(stack_id: str) -> str:
    """The name in a stack's ARN, or the name itself."""
    return stack_id.split("/")[1] if stack_id.startswith("arn:") else stack_id


def load(environ: Mapping[str, str] | None = None, path: Path = SHIPPED) -> Standard:
    """Reads both sources. Raises InvalidSetting, naming the setting, its value and what is allowed."""
    env = _Environment(os.environ if environ is None else environ)
    file = _File(path)
    region = env.text("AWS_REGION", REGION, "the Region that Lambda sets")
    return Standard(
        account=env.text("RELIGHT_ACCOUNT", ACCOUNT, "a 12-digit account id"),
        region=region,
        ledger=env.text("RELIGHT_LEDGER", r"[\w.-]+", "the ledger table's name", default=""),
        topic=env.text("RELIGHT_TOPIC", r"arn:[\w-]+:sns:.+", "the ARN of an SNS topic"),
        mode=Mode(env.text("RELIGHT_MODE", "enforce|observe", "enforce or observe", default="enforce")),
        trail_keys=_with_own(
            file.mapping("trail_keys", KEY_ARN, "the ARN of a KMS key"),
            region,
            env.text("RELIGHT_TRAIL_KEY", KEY_ARN, "the ARN of a KMS key", default=""),
        ),
        topic_key=env.text("RELIGHT_TOPIC_KEY", KEY_ARN, "the ARN of a KMS key", default=""),
        access_log_buckets=_with_own(
            file.mapping("access_log_buckets", BUCKET, "the name of a bucket"),
            region,
            env.text("RELIGHT_ACCESS_LOG_BUCKET", BUCKET, "the name of a bucket", default=""),
        ),
        trusted_accounts=frozenset(file.texts("trusted_accounts", ACCOUNT, "12-digit account ids")),
        watched_buckets=frozenset(file.texts("bucket.watched", BUCKET, "names of buckets")),
        flow_logs_role=env.text("RELIGHT_FLOW_LOGS_ROLE", r"arn:[\w-]+:iam::.+", "the ARN of a role", default=""),
        trail_logs_role=env.text("RELIGHT_TRAIL_LOGS_ROLE", r"arn:[\w-]+:iam::.+", "the ARN of a role", default=""),
        flow_logs_roles=file.mapping("flow_logs_roles", ROLE_ARN, "the ARN of a role"),
        trail_logs_roles=file.mapping("trail_logs_roles", ROLE_ARN, "the ARN of a role"),
        flow_logs_destination=env.text(
            "RELIGHT_FLOW_LOGS_DESTINATION",
            r"arn:[\w-]+:s3:::.+",
            "empty, or the ARN of an S3 bucket",
            default="",
        ),
        traffic=file.one_of("vpc.traffic", TRAFFIC),
        aggregation_seconds=file.one_of("vpc.aggregation_seconds", AGGREGATION),
        retention_days=env.number("RELIGHT_RETENTION_DAYS", RETENTION_DAYS.__contains__, RETENTION_DAYS, "365"),
        incident_days=env.number("RELIGHT_INCIDENT_DAYS", lambda n: 1 <= n <= 3653, "1 to 3653", "400"),
        repair_cap=file.count("repairs_per_invocation"),
        sweep_cap=env.number("RELIGHT_SWEEP_CAP", lambda n: n <= MOST_REPAIRS, f"0 to {MOST_REPAIRS}", "200"),
        contested_after=file.count("contested_after"),
        trusted_buckets=frozenset(file.texts("trusted_buckets", BUCKET, "names of buckets")),
        trusted_keys=frozenset(file.texts("trusted_keys", KEY_ARN, "ARNs of KMS keys")),
        trail_reader=file.one_of("trail.reader", TRAIL_READERS),
        s3_data_events=file.choice("trail.s3_data_events", S3_DATA_EVENTS, BUCKET, "names of buckets"),
        network_activity_sources=tuple(
            file.texts("trail.network_activity_sources", EVENT_SOURCE, "event sources such as s3.amazonaws.com")
        ),
        modes=file.modes(),
        exemptions=file.exemptions(),
        stack=env.text("RELIGHT_STACK", r"arn:[\w-]+:cloudformation:.+", "the ARN of a stack", default=""),
        guarded=env.text("RELIGHT_GUARDED", r"[\w*]+", "a pattern of logical ids", default="*"),
        own_roles=frozenset(
            filter(None, env.text("RELIGHT_ROLES", r"arn:[\w-]+:iam::.+", "ARNs of roles", default="").split(","))
        ),
        organization=env.text("RELIGHT_ORGANIZATION", ORGANIZATION, "empty, or the id of an organisation", default=""),
        member_role=env.text("RELIGHT_MEMBER_ROLE", ROLE_NAME, "the name of a role", default="relight-member"),
        member_boundary=env.text(
            "RELIGHT_MEMBER_BOUNDARY", POLICY_NAME, "empty, or the name of an IAM policy", default=""
        ),
        member_accounts=tuple(
            filter(
                None,
                env.text(
                    "RELIGHT_MEMBER_ACCOUNTS", r"\d{12}(,\d{12})*", "12-digit account ids with commas", default=""
                ).split(","),
            )
        ),
        function=env.text("AWS_LAMBDA_FUNCTION_NAME", r"[\w-]{1,64}", "the name that Lambda sets", default="relight"),
        families=_families(env.text("RELIGHT_FAMILIES", r"\w+=[\w-]+(,\w+=[\w-]+)*", "kind=function,…", default="")),
    )


def _filled(value: str, account: str, region: str) -> str:
    """A setting for an account and a Region, which may stand in it as ``{account}`` and ``{region}``."""
    return value.replace("{account}", account).replace("{region}", region)


def _with_own(others: Mapping[str, str], region: str, own: str) -> Mapping[str, str]:
    return {**others, **({region: own} if own else {})}


def _families(value: str) -> Mapping[str, str]:
    return dict(pair.split("=", 1) for pair in value.split(",") if pair)


def _reject(setting: str, value: object, allowed: object) -> InvalidSetting:
    return InvalidSetting(f"{setting} is {value!r:.80}; allowed: {allowed}")


class _Environment:
    """Typed reads of environment variables."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, pattern: str, allowed: str, default: str | None = None) -> str:
        value = self._environ.get(name) or default
        if value is None or not (value == default or re.fullmatch(pattern, value)):
            raise _reject(f"environment variable {name}", value, allowed)
        return value

    def number(self, name: str, accepts: Callable[[int], bool], allowed: object, default: str) -> int:
        value = self.text(name, r"\d{1,9}", "a whole number", default)
        if not accepts(int(value)):
            raise _reject(f"environment variable {name}", value, allowed)
        return int(value)


class _File:
    """Typed reads of standard.toml; a setting is named by its dotted path."""

    KNOWN: Mapping[str, tuple[str, ...]] = {
        "trusted_accounts": (),
        "trusted_buckets": (),
        "trusted_keys": (),
        "repairs_per_invocation": (),
        "contested_after": (),
        "exemptions": (),
        "modes": (),
        "trail_keys": (),
        "access_log_buckets": (),
        "flow_logs_roles": (),
        "trail_logs_roles": (),
        "trail": ("reader", "s3_data_events", "network_activity_sources"),
        "bucket": ("watched",),
        "vpc": ("traffic", "aggregation_seconds"),
    }

    def __init__(self, path: Path) -> None:
        try:
            self._data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise InvalidSetting(f"{path.name} cannot be read: {error}") from error
        self._reject_unknown("", self._data, tuple(self.KNOWN))
        for section, known in self.KNOWN.items():
            if known and isinstance(self._data.get(section), dict):
                self._reject_unknown(f"{section}.", self._data[section], known)

    @staticmethod
    def _reject_unknown(prefix: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for unknown in sorted(table.keys() - set(known)):
            raise _reject(f"standard.toml: {prefix}{unknown}", table[unknown], f"no such setting; {', '.join(known)}")

    def _get(self, setting: str) -> Any:
        value: Any = self._data
        for key in setting.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def one_of(self, setting: str, allowed: tuple[Any, ...]) -> Any:
        value = self._get(setting)
        if (type(value), value) not in [(type(each), each) for each in allowed]:
            raise _reject(f"standard.toml: {setting}", value, allowed)
        return value

    def count(self, setting: str) -> int:
        value = self._get(setting)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _reject(f"standard.toml: {setting}", value, "a whole number from 1")
        return value

    def texts(self, setting: str, pattern: str, allowed: str) -> list[str]:
        value = self._get(setting)
        if not isinstance(value, list) or not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in value):
            raise _reject(f"standard.toml: {setting}", value, f"a list of {allowed}")
        return value

    def choice(self, setting: str, words: tuple[str, ...], pattern: str, allowed: str) -> str | tuple[str, ...]:
        """One of some words, or a list of texts."""
        value = self._get(setting)
        if isinstance(value, str) and value in words:
            return value
        if isinstance(value, str):
            raise _reject(f"standard.toml: {setting}", value, f"{', '.join(words)}, or a list of {allowed}")
        return tuple(self.texts(setting, pattern, allowed))

    def mapping(self, setting: str, pattern: str, allowed: str) -> Mapping[str, str]:
        table = self._get(setting)
        if not isinstance(table, dict):
            raise _reject(f"standard.toml: {setting}", table, f"a table of Region = {allowed}")
        for place, value in table.items():
            if not re.fullmatch(PLACE, place):
                raise _reject(f"standard.toml: {setting}", place, "names of Regions, or ACCOUNT/REGION with * for any")
            if not isinstance(value, str) or not re.fullmatch(pattern, _filled(value, "0" * 12, "xx-x-1")):
                raise _reject(f"standard.toml: {setting}.{place}", value, allowed)
        return table

    def modes(self) -> Mapping[str, Mapping[str, Mode]]:
        table = self._get("modes")
        if not isinstance(table, dict):
            raise _reject("standard.toml: modes", table, "a table of control = { restore, introduce, create }")
        return {control: self._mode(control, row) for control, row in table.items()}

    @staticmethod
    def _mode(control: str, row: object) -> Mapping[str, Mode]:
        if not isinstance(row, dict) or not row.keys() <= set(SITUATIONS):
            raise _reject(f"standard.toml: modes.{control}", row, f"a table with any of {SITUATIONS}")
        for situation, mode in row.items():
            if mode not in list(Mode):
                raise _reject(f"standard.toml: modes.{control}.{situation}", mode, [str(m) for m in Mode])
        return {situation: Mode(mode) for situation, mode in row.items()}

    def exemptions(self) -> tuple[Exemption, ...]:
        rows = self._data.get("exemptions", [])
        if not isinstance(rows, list):
            raise _reject("standard.toml: exemptions", rows, "tables headed [[exemptions]]")
        return tuple(self._exemption(f"exemptions[{place}]", row) for place, row in enumerate(rows))

    @staticmethod
    def _exemption(setting: str, row: Any) -> Exemption:
        names = ("control", "resource", "reason", "expires")
        if not isinstance(row, dict) or row.keys() != set(names):
            raise _reject(f"standard.toml: {setting}", row, f"a table with {', '.join(names)}")
        for name in names[:3]:
            if not isinstance(row[name], str) or not row[name].strip():
                raise _reject(f"standard.toml: {setting}.{name}", row[name], "a text that is not empty")
        if not re.fullmatch(r"arn:[^:]+:[^:]+:.+", row["resource"]):
            raise _reject(f"standard.toml: {setting}.resource", row["resource"], "an ARN, in which * may stand")
        if not isinstance(row["expires"], date) or isinstance(row["expires"], datetime):
            raise _reject(f"standard.toml: {setting}.expires", row["expires"], "a day, such as 2027-06-30, unquoted")
        return Exemption(**row)
