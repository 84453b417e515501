"""A hub's sweep: account after account, all Regions of each, and none of them in the way of another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import pytest

from relight.errors import RelightError
from relight.model import Mode, Resource
from relight.posture import Count, Counts, table
from relight.progress import Progress
from relight.resources import account, bucket, forwarder, trail, vpc
from relight.sweep import CHAINS, LONGEST_CHAIN, Desk, handler_for_sweep
from tests.unit.builders import ACCOUNT, REGION, baseline, standard
from tests.unit.builders import bucket as a_bucket
from tests.unit.fakes import ORGANIZATION, Answer, FakeClock, FakeLedger, FakeNotifier, fake_hub, refused
from tests.unit.test_sweep import HIGH, Context, FakeJournal, answered

FIRST, SECOND = "210987654321", "321098765432"
ELSEWHERE = "ap-south-1"
REGIONS = [REGION, ELSEWHERE]
BY_AN_SCP = "User: x is not authorized to perform this action with an explicit deny in a service control policy"
FAMILIES = {"trail": "trail-function", "vpc": "vpc-function", "account": "bucket-function"}
FLOW_LOGS = "vpc.flow-logs"


@pytest.fixture(autouse=True)
def three_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relight.sweep.KINDS", (trail, vpc, account))
    monkeypatch.setattr("relight.sweep.OF_A_HUB", ())


class Journals(FakeJournal):
    """The rows in memory; of every account its own postures."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, list[tuple[datetime, Counts]]] = {}

    def of(self, account: str) -> Self:
        other = type(self)()
        other.rows, other.accounts = self.rows, self.accounts
        other.postures = self.accounts.setdefault(account, [])
        return other


class Hub:
    """A hub with two members. Each place has one VPC; `drifting` VPCs can be repaired."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.members = [FIRST, SECOND]
        self.others = [ELSEWHERE]  # Regions
        self.forbidden: set[str] = set()  # Regions
        self.denied: set[str] = set()  # accounts
        self.out_of_reach: set[str] = set()  # REGION/NAME
        self.why = BY_AN_SCP
        self.drifting: set[str] = set()  # ACCOUNT/REGION
        self.modes: dict[str, dict[str, Mode]] = {}
        self.clock, self.ledger, self.notifier, self.journal = FakeClock(), FakeLedger(), FakeNotifier(), Journals()
        self.started: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        answers: dict[str, Answer] = {
            "organizations__ListAccounts": self._list_accounts,
            "ec2__DescribeRegions": self._of(
                lambda _: {"Regions": [{"RegionName": each} for each in sorted([REGION, *self.others])]}
            ),
            "cloudtrail__DescribeTrails": self._of(lambda _: {"trailList": []}),
            "ec2__DescribeVpcs": self._of(lambda _: {"Vpcs": [{"VpcId": "vpc-1"}]}),
            "iam__ListAccountAliases": {"AccountAliases": ["payments-prod"]},
            "lambda__Invoke": self._invoke,
        }
        self.aws, self.session = fake_hub(self.clock, **answers)
        lends = self.session.answers["sts:AssumeRole"]
        assert callable(lends)

        def assume_role(region: str, RoleArn: str, **params: Any) -> Any:  # noqa: N803  as AWS spells parameters
            if RoleArn.split(":")[4] in self.denied:
                raise refused("AccessDenied", "not authorized to perform: sts:AssumeRole")
            return lends(region, RoleArn=RoleArn, **params)

        assert isinstance(self.session.answers, dict)
        self.session.answers["sts:AssumeRole"] = assume_role
        for name, value in (
            ("RELIGHT_ORGANIZATION", ORGANIZATION),
            ("RELIGHT_FAMILIES", ",".join(f"{kind}={name}" for kind, name in FAMILIES.items())),
        ):
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("relight.sweep.Desk", lambda **_: self.desk)

    def _of(self, answer: Callable[[str], Any]) -> Answer:
        """What a Region answers, where no policy of the organisation forbids that."""

        def answered_there(region: str, **_: Any) -> Any:
            if region in self.forbidden:
                raise refused("UnauthorizedOperation", BY_AN_SCP)
            return answer(region)

        return answered_there

    @property
    def desk(self) -> Desk:
        settings = standard(organization=ORGANIZATION, families=FAMILIES, modes=self.modes)
        return Desk(settings, self.aws, self.ledger, self.journal, self.notifier, self.clock)

    def _list_accounts(self, _region: str) -> Any:
        active = [{"Id": each, "Status": "ACTIVE"} for each in (ACCOUNT, *self.members)]
        return {"Accounts": [*active, {"Id": "555555555555", "Status": "SUSPENDED"}]}

    def _invoke(self, _region: str, **params: Any) -> Any:
        asked = json.loads(params["Payload"])
        if params["InvocationType"] == "Event":
            assert params["FunctionName"] == Context.function_name
            self.started.append(asked)
            return {"StatusCode": 202}
        self.requests.append(asked)
        return answered(self._report(asked))

    def _report(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names, bad = asked["names"], f"{asked['account']}/{asked['region']}" in self.drifting
        out = [whole for name in names if (whole := f"{asked['region']}/{name}") in self.out_of_reach]
        if out:
            return {"looked_at": len(names), "out_of_reach": dict.fromkeys(out, self.why)}
        if asked["kind"] != "vpc":
            return {"looked_at": len(names)}
        if "sweep" in asked:
            return {"counts": {FLOW_LOGS: [1, -1, 0, 0]}, "repaired": {name: [FLOW_LOGS] for name in names}}
        found = dict.fromkeys(names, HIGH) if bad else {}
        return {"looked_at": 1, "counts": {FLOW_LOGS: [not bad, bad, 0, 0]}, "repairable": found}

    def handle(self, event: Any, seconds: int = 900) -> Any:
        return handler_for_sweep()(event, Context(seconds))

    def sweep(self, event: Any) -> list[str]:
        """A sweep with all that it starts; what failed in it."""
        waiting, failures = [event], []
        while waiting:
            self.started.clear()
            try:
                self.handle(waiting.pop(0))
            except RelightError as failure:
                failures.append(str(failure))
            waiting += self.started
        return failures


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(monkeypatch)


SCHEDULED = {"source": "aws.scheduler", "id": "e1"}


def test_every_active_account_is_in_one_chain(hub: Hub) -> None:
    hub.members = [f"{number:012}" for number in range(3 * CHAINS)]
    assert hub.handle(SCHEDULED) == {"sweep": "e1", "accounts": 3 * CHAINS + 1}
    assert len(hub.started) == CHAINS
    assert all(each["sweep"] == "e1" and each["full"] is False for each in hub.started)
    chained = [each for chain in hub.started for each in chain["accounts"]]
    assert sorted(chained) == sorted([ACCOUNT, *hub.members])
    assert hub.requests == [], "it looks at nothing itself"


def test_no_chain_is_longer_than_the_hour_between_two_sweeps(hub: Hub) -> None:
    hub.members = [f"{number:012}" for number in range(999)]
    hub.handle(SCHEDULED)
    assert [len(each["accounts"]) for each in hub.started] == [LONGEST_CHAIN] * 40


def test_a_list_of_accounts_is_taken_as_it_is(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = standard(organization=ORGANIZATION, families=FAMILIES, member_accounts=(SECOND, ACCOUNT))
    desk = Desk(listed, hub.aws, hub.ledger, hub.journal, hub.notifier, hub.clock)
    monkeypatch.setattr("relight.sweep.Desk", lambda **_: desk)
    hub.handle(SCHEDULED)
    assert [each["accounts"] for each in hub.started] == [[ACCOUNT], [SECOND]]
    assert "organizations:ListAccounts" not in hub.session.names


def test_all_regions_of_an_account_are_looked_at_with_its_role(hub: Hub) -> None:
    hub.handle({"source": "relight.sweep", "sweep": "s1", "full": False, "accounts": [FIRST, SECOND]})
    assert [(each["account"], each["region"], each["kind"]) for each in hub.requests] == [
        (FIRST, REGION, "vpc"),  # the hub's own Region first: no policy of the organisation forbids that one
        (FIRST, REGION, "account"),  # which an account has once
        (FIRST, ELSEWHERE, "vpc"),
    ]
    used = {(name, key) for (_, name, _), key in zip(hub.session.calls, hub.session.keys, strict=True)}
    assert {key for name, key in used if name in ("ec2:DescribeVpcs", "ec2:DescribeRegions")} == {f"ASIA-{FIRST}-1"}
    assert {key for name, key in used if name == "lambda:Invoke"} == {""}
    (next_one,) = hub.started
    assert next_one == {"source": "relight.sweep", "sweep": "s1", "full": False, "accounts": [SECOND]}


def test_the_forwarder_is_looked_at_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relight.sweep.KINDS", ())
    monkeypatch.setattr("relight.sweep.OF_A_HUB", (forwarder,))
    monkeypatch.setattr(f"{__name__}.FAMILIES", {"forwarder": "forwarder-function"})
    hub = Hub(monkeypatch)
    for owner in (ACCOUNT, FIRST):
        hub.handle({"sweep": "s1", "accounts": [owner]})
    asked = [(each["account"], each["region"]) for each in hub.requests]
    assert asked == [(owner, region) for owner in (ACCOUNT, FIRST) for region in REGIONS]
    names = hub.requests[0]["names"]
    assert {"relight-forwarder-cloudtrail", "relight-forwarder-events", "relight-forwarder-events-watch"} <= set(names)
    assert "events:ListRules" not in hub.session.names, "what is missing would not be listed"


def test_a_bucket_is_looked_at_once_in_its_region_also_when_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ARN does not say which that is."""
    monkeypatch.setattr("relight.sweep.KINDS", (bucket,))
    monkeypatch.setattr(f"{__name__}.FAMILIES", {"bucket": "bucket-function"})
    hub = Hub(monkeypatch)
    there = {REGION: [{"Name": "a"}], ELSEWHERE: [{"Name": "b"}]}
    hub.session.answers["s3:ListBuckets"] = lambda region, **_: {"Buckets": there[region]}  # type: ignore[index]
    for name, region in (
        *(("a", REGION), ("gone", REGION)),
        *(("b", ELSEWHERE), ("gone-there", ELSEWHERE), ("gone-from-a-closed-region", "me-south-1")),
    ):
        gone = Resource("bucket", name, bucket.arn("aws", FIRST, region, name), FIRST, region)
        hub.ledger.keep(gone, baseline(a_bucket(region=region), revision=0))
    hub.handle({"sweep": "s1", "accounts": [FIRST]})
    assert [(each["region"], each["names"]) for each in hub.requests] == [
        (REGION, ["a", "gone", "gone-from-a-closed-region"]),
        (ELSEWHERE, ["b", "gone-there"]),
    ]


def test_the_hub_s_own_region_is_looked_at_as_itself(hub: Hub) -> None:
    hub.handle({"sweep": "s1", "accounts": [ACCOUNT]})
    keys = [
        key for (_, name, _), key in zip(hub.session.calls, hub.session.keys, strict=True) if name == "ec2:DescribeVpcs"
    ]
    assert keys == ["", f"ASIA-{ACCOUNT}-1"]


def test_a_drift_in_one_region_is_repaired_there_and_told_of_its_account(hub: Hub) -> None:
    hub.drifting = {f"{FIRST}/{ELSEWHERE}"}
    assert hub.sweep(SCHEDULED) == []
    (repair,) = [each for each in hub.requests if "sweep" in each]
    assert (repair["account"], repair["region"], repair["names"]) == (FIRST, ELSEWHERE, ["vpc-1"])
    assert hub.journal.accounts[FIRST][-1][1] == {FLOW_LOGS: Count(met=2)}
    assert hub.journal.accounts[SECOND][-1][1] == {FLOW_LOGS: Count(met=2)}
    (message,) = hub.notifier.sent
    assert message.attributes["account"] == FIRST, "by which a team's subscription finds it"
    assert message.attributes["region"] == REGIONS
    assert f"resources of account payments-prod ({FIRST}), 2 Regions." in message.text


def test_a_member_that_lets_nobody_in_is_unknown_told_once_a_day_and_stops_nobody(hub: Hub) -> None:
    hub.denied = {FIRST}
    for event_id in ("e1", "e2"):
        assert hub.sweep({"source": "aws.scheduler", "id": event_id}) == []
    posture = hub.journal.accounts[FIRST][-1][1]
    assert posture["vpc.flow-logs"] == posture["trail.logging"] == Count(unknown=1)
    assert not any(each.met for each in posture.values())
    rows = {row.control: row.count for row in table({FIRST: posture})}
    assert rows["trail.multi-region"] == Count(unknown=1), "an account of which nothing is known is not compliant"
    assert hub.journal.accounts[SECOND][-1][1] == {FLOW_LOGS: Count(met=2)}
    (message,) = hub.notifier.sent
    assert (message.attributes["account"], message.attributes["severity"]) == (FIRST, "HIGH")
    assert "OUT OF REACH, for the account does not let its role be assumed" in message.text
    hub.clock.moment += timedelta(days=1)
    hub.sweep({"source": "aws.scheduler", "id": "e3"})
    assert len(hub.notifier.sent) == 2


def test_a_region_that_the_organisation_forbids_is_unknown_told_once_a_day_and_no_failure(hub: Hub) -> None:
    hub.members = []
    hub.others = [f"eu-west-{number}" for number in range(1, 10)] + [ELSEWHERE]
    hub.forbidden = {*hub.others} - {ELSEWHERE}
    for event_id in ("e1", "e2"):
        assert hub.sweep({"source": "aws.scheduler", "id": event_id}) == []
    assert hub.journal.accounts[ACCOUNT][-1][1][FLOW_LOGS] == Count(met=2, unknown=9)
    (message,) = hub.notifier.sent
    assert message.attributes["severity"] == "LOW", "it is how the organisation wants it"
    assert "9 Regions not looked at in full" in message.subject
    (named,) = [line for line in message.text.splitlines() if "eu-west-" in line]
    assert ", ".join(f"eu-west-{number}" for number in range(1, 10)) in named
    assert "trails, vpcs (cloudtrail:DescribeTrails: UnauthorizedOperation: User: x is not authorized" in named
    hub.forbidden.add(ELSEWHERE)
    hub.sweep({"source": "aws.scheduler", "id": "e3"})
    assert len(hub.notifier.sent) == 2, "one more of them is news"
    assert ELSEWHERE in hub.notifier.sent[-1].text
    hub.forbidden.clear()
    hub.sweep({"source": "aws.scheduler", "id": "e4"})
    hub.forbidden = {*hub.others}
    hub.sweep({"source": "aws.scheduler", "id": "e5"})
    assert len(hub.notifier.sent) == 2
    hub.clock.moment += timedelta(days=1)
    hub.sweep({"source": "aws.scheduler", "id": "e6"})
    assert len(hub.notifier.sent) == 3


def test_what_a_function_may_not_read_in_a_forbidden_region_is_told_with_it(hub: Hub) -> None:
    hub.members, hub.forbidden = [], {ELSEWHERE}
    hub.session.answers["ec2:DescribeVpcs"] = {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]}  # type: ignore[index]
    hub.out_of_reach = {f"{ELSEWHERE}/vpc-1", f"{ELSEWHERE}/vpc-2", f"{REGION}/vpc-1"}
    assert hub.sweep(SCHEDULED) == []
    (message,) = hub.notifier.sent
    assert message.data["sweep"]["forbidden"].keys() == {ELSEWHERE}
    assert message.data["sweep"]["forbidden"][ELSEWHERE].startswith("trails, vpcs (")
    assert message.data["sweep"]["out_of_reach"] == {f"{REGION}/vpc-1": BY_AN_SCP}


def test_a_missing_permission_is_a_failure_in_every_region(hub: Hub) -> None:
    hub.members = []
    hub.session.answers["cloudtrail:DescribeTrails"] = refused("AccessDenied", "User: x is not authorized")  # type: ignore[index]
    (failure,) = hub.sweep(SCHEDULED)
    assert all(f"list of trails of account {ACCOUNT} in {region}" in failure for region in REGIONS)


def test_where_regions_may_not_be_listed_the_others_are_dark_and_that_is_a_failure(hub: Hub) -> None:
    """Whatever forbids it."""
    hub.session.answers["ec2:DescribeRegions"] = refused("UnauthorizedOperation", BY_AN_SCP)  # type: ignore[index]
    hub.members = []
    (failure,) = hub.sweep(SCHEDULED)
    assert f"Regions of account {ACCOUNT}" in failure
    assert {each["region"] for each in hub.requests} == {REGION}


def test_what_another_account_owns_in_a_forbidden_region_is_told_as_that(hub: Hub) -> None:
    hub.members, hub.forbidden = [], {ELSEWHERE}
    hub.session.answers["ec2:DescribeVpcs"] = {"Vpcs": [{"VpcId": "vpc-1"}]}  # type: ignore[index]
    hub.out_of_reach, hub.why = {f"{ELSEWHERE}/vpc-1"}, "it belongs to account 999999999999"
    assert hub.sweep(SCHEDULED) == []
    (message,) = hub.notifier.sent
    assert message.data["sweep"]["out_of_reach"] == {f"{ELSEWHERE}/vpc-1": hub.why}


def test_an_account_without_a_trail_does_not_miss_one_where_nobody_asks_for_it(hub: Hub) -> None:
    hub.modes = {"trail.multi-region": {"introduce": Mode.OFF}}
    assert hub.sweep(SCHEDULED) == []
    posture = hub.journal.accounts[FIRST][-1][1]
    assert posture["trail.multi-region"] == Count(exempt=1)


def test_a_member_that_an_organisations_trail_may_cover_has_it_looked_at_once(hub: Hub) -> None:
    theirs = f"arn:aws:cloudtrail:{REGION}:{SECOND}:trail/organisation"
    assert isinstance(hub.session.answers, dict)
    hub.session.answers["cloudtrail:DescribeTrails"] = {"trailList": [{"TrailARN": theirs, "HomeRegion": REGION}]}
    hub.sweep(SCHEDULED)
    asked = [
        (each["region"], each["names"]) for each in hub.requests if (each["kind"], each["account"]) == ("trail", FIRST)
    ]
    assert asked == [(REGION, [theirs])]


def test_what_fails_in_one_account_is_raised_and_the_next_is_swept(hub: Hub) -> None:
    hub.members = [f"{number:012}" for number in range(CHAINS)]  # two in the first chain: the hub's own, and the last
    describe = hub.session.answers["ec2:DescribeVpcs"]
    assert callable(describe)
    fails = [True]

    def vpcs(region: str, **_: Any) -> Any:
        if fails and hub.session.keys[-1] == "":
            raise refused("RequestLimitExceeded")
        return describe(region)

    assert isinstance(hub.session.answers, dict)
    hub.session.answers["ec2:DescribeVpcs"] = vpcs
    (failure,) = hub.sweep(SCHEDULED)
    assert f"list of vpcs of account {ACCOUNT} in {REGION}" in failure
    assert hub.journal.accounts[hub.members[-1]], "the one behind it in the chain"
    hub.started.clear()
    fails.clear()
    whole = {"source": "relight.sweep", "sweep": "e1", "full": False, "accounts": [ACCOUNT, hub.members[-1]]}
    assert hub.handle(whole)["phase"] == "done", "Lambda's retry, of the same event"
    assert hub.started == [], "and the chain goes on once"


def test_regions_that_cannot_be_listed_are_a_failure_of_that_account_only(hub: Hub) -> None:
    hub.session.answers["ec2:DescribeRegions"] = refused("UnauthorizedOperation")  # type: ignore[index]
    failures = hub.sweep(SCHEDULED)
    assert len(failures) == 3
    assert f"Regions of account {FIRST}" in failures[1]
    assert {each["region"] for each in hub.requests} == {REGION}


def test_without_time_left_the_account_goes_on_in_another_invocation(hub: Hub) -> None:
    chain = {"source": "relight.sweep", "sweep": "s1", "full": True, "accounts": [FIRST, SECOND]}
    hub.handle(chain, seconds=100)
    assert hub.started == [chain]
    assert hub.requests == []
    hub.started.clear()
    assert hub.handle(chain) == {"sweep": f"s1 {FIRST}", "phase": "done", "looked_at": 3}
    assert [each["accounts"] for each in hub.started] == [[SECOND]]
    hub.handle(chain)
    assert len(hub.started) == 1, "an event that comes twice"


def test_its_progress_is_plain_data() -> None:
    progress = Progress("s1 a", accounts=[FIRST], regions=REGIONS)
    assert Progress(**json.loads(json.dumps(progress.as_data()))) == progress
