"""What `relight check` makes of other accounts' resources, which the local AWS has none of: answers shaped as AWS's."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from local.operate.check import LOOKED_AT, UNCHECKED, status
from local.operate.report import report
from local.operate.scan import Scan, Scanner, case
from relight.model import Mode, Scope
from relight.posture import Count
from relight.resources import trail as trails
from relight.standard import Exemption
from tests.unit.builders import ACCOUNT, NOON, REGION, STRANGER, TRAIL_ARN, observed, standard, trail
from tests.unit.fakes import FakeClock, FakeSession, refused

OTHER = "eu-west-1"
ORGANISATIONS = f"arn:aws:cloudtrail:{OTHER}:{STRANGER}:trail/organisation"
SHADOW = {
    "TrailARN": ORGANISATIONS,
    "Name": "organisation",
    "HomeRegion": OTHER,
    "S3BucketName": "log-archive",
    "IsMultiRegionTrail": True,
    "IsOrganizationTrail": True,
}
EXEMPTION = Exemption("trail.*", ORGANISATIONS, "Checked in the management account", date(2099, 1, 1))


def shown(_region: str, *, includeShadowTrails: bool) -> dict[str, Any]:  # noqa: N803 (as AWS spells parameters)
    """A listing of the Region's own trails leaves out those of the organisation."""
    return {"trailList": [SHADOW] if includeShadowTrails else []}


def trails_only(answers: dict[str, Any], *regions: str, **settings: Any) -> Scan:
    controls = frozenset(each for each in LOOKED_AT if each.startswith("trail."))
    scanner = Scanner(FakeSession(answers), standard(**settings), controls, FakeClock())
    return scanner.scan(regions or [REGION], lambda _: None)


def test_an_organisations_trail_is_neither_missed_nor_taken_for_compliant() -> None:
    found = trails_only({"cloudtrail:DescribeTrails": shown}, REGION, OTHER)

    assert found.counts["trail.multi-region"] == Count(unknown=1), "it is shown in two Regions, and is one trail"
    (unchecked,) = found.unchecked
    assert unchecked.what == ORGANISATIONS
    assert "organisation trail of account" in unchecked.why
    assert found.violations == []
    data = report(found, ACCOUNT, [REGION], LOOKED_AT, "relight check", NOON)
    assert status(data) == UNCHECKED


def test_one_exemption_settles_another_accounts_trail() -> None:
    found = trails_only({"cloudtrail:DescribeTrails": shown}, exemptions=(EXEMPTION,))

    assert found.counts["trail.multi-region"] == Count(exempt=1)
    assert (found.unchecked, found.violations) == ([], [])
    assert ("trail.multi-region", ORGANISATIONS, EXEMPTION) in found.exempt


def test_a_control_that_is_off_is_exempt_even_of_what_is_out_of_reach() -> None:
    modes = {"trail.multi-region": {"introduce": Mode.OFF, "restore": Mode.OFF}}
    found = trails_only({"cloudtrail:DescribeTrails": shown}, modes=modes)
    assert found.counts["trail.multi-region"] == Count(exempt=1)
    assert found.counts["trail.logging"] == Count(unknown=1)


def test_a_region_whose_trails_cannot_be_listed_hides_nothing_of_the_others() -> None:
    def trails(region: str, **_: Any) -> Any:
        if region == OTHER:
            raise refused("AccessDeniedException")
        return {"trailList": []}

    found = trails_only({"cloudtrail:DescribeTrails": trails}, REGION, OTHER)
    assert found.counts["trail.multi-region"] == Count(unknown=1), "not: there is none"
    assert [(each.region, each.what) for each in found.unchecked] == [(OTHER, "trail")]


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.OBSERVE])
def test_an_account_without_any_trail_violates_in_whatever_mode(mode: Mode) -> None:
    found = trails_only({"cloudtrail:DescribeTrails": {"trailList": []}}, mode=mode)
    assert found.counts == {"trail.multi-region": Count(violated=1)}
    assert [each.resource.arn for each in found.violations] == [f"arn:aws:iam::{ACCOUNT}:root"]


def test_what_is_met_is_named_unless_only_a_baseline_could_say() -> None:
    """Without one, nobody can say whether log files still go to where they went."""
    scanner = Scanner(FakeSession({}), standard(), LOOKED_AT, FakeClock())
    of_trails = case(scanner.run(REGION), trails, Scope(ACCOUNT, REGION))

    found = scanner._judged(of_trails, observed(trail(logging=False)))  # noqa: SLF001 (one resource)

    met = {finding.control: resource.arn for finding, resource in found.met}
    assert met["trail.log-file-validation"] == TRAIL_ARN
    assert met.keys().isdisjoint({"trail.logging", "trail.destination", "trail.insights"})
    rows = report(found, ACCOUNT, [REGION], LOOKED_AT, "relight check", NOON)["met"]
    assert {(each["control"], each["resource"]) for each in rows} == set(met.items())


def test_an_account_that_has_a_trail_meets_what_it_violated_without_one() -> None:
    scanner = Scanner(FakeSession({}), standard(), LOOKED_AT, FakeClock())
    of_trails = case(scanner.run(REGION), trails, Scope(ACCOUNT, REGION))
    for covers in (True, False):
        found = scanner._judged(of_trails, observed(trail(multi_region=covers)))  # noqa: SLF001 (as above)
        more = scanner._nothing(found)  # noqa: SLF001 (as above)
        arns = [resource.arn for _, resource in more.met]
        assert arns == ([f"arn:aws:iam::{ACCOUNT}:root"] if covers else [])
        assert more.violations == []
