"""Every AWS call of every function, refused or broken in every way: never a silent success (`relight faults`)."""

from __future__ import annotations

import pytest

from local import faults, sabotage
from local.account import Account
from local.cloud import LocalAws
from tests.contract.template import functions
from tests.integration.conftest import Fresh, take_enforced

SABOTAGED = {each.control.partition(".")[0] for each in sabotage.ALL if each.outcome == "repaired"}
# Two that differ most; `make faults` runs all six.
TWO = tuple(fault for fault in faults.FAULTS if fault.name in ("denied", "lost answer"))
FAMILIES = sorted(f.family for f in functions().values() if any(kind.KIND in SABOTAGED for kind in f.kinds))


def only(family: str, scenarios: faults.Scenarios) -> faults.Scenarios:
    return {action: each for action, each in scenarios.items() if action[0] == family}


@pytest.fixture(scope="session")
def scenarios(local_aws: LocalAws, fresh: Fresh) -> faults.Scenarios:
    return faults.scenarios(local_aws, take_enforced(local_aws, fresh))


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_fails_it_is_repaired_and_told_or_dead_lettered(
    local_aws: LocalAws,
    scenarios: faults.Scenarios,
    enforced: Account,
    family: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And once the fault is gone and the event comes again, everything is as it was."""
    monkeypatch.setattr(faults, "FAULTS", TWO)
    cells = list(faults.matrix(local_aws, enforced, only(family, scenarios)))

    assert not [cell for cell in cells if not cell.verdict.good]
    kinds = {cell.verdict for cell in cells}
    assert faults.Verdict.REPAIRED in kinds
    assert kinds & {faults.Verdict.LETTER, faults.Verdict.TOLD}
    assert len({cell.action for cell in cells}) >= 5, "the sabotages lead to hardly any call"


def test_of_a_hubs_forwarder_too(local_aws: LocalAws, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FAULTS", TWO)
    victim = fresh("faults of a hub", lambda: faults.build_hub(local_aws))
    todo = faults.scenarios(local_aws, victim, sabotage.OF_A_HUB)
    assert {family for family, _ in todo} == {"forwarder", "guard"}
    cells = list(faults.matrix(local_aws, victim, todo))
    assert not [cell for cell in cells if not cell.verdict.good]
    called = {cell.action for cell in cells}
    assert {"events:PutRule", "events:PutTargets", "events:EnableRule", "iam:GetRolePolicy"} <= called


def test_the_matrix_can_tell_a_silent_loss(
    local_aws: LocalAws, scenarios: faults.Scenarios, enforced: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its dead-letter queue taken away, a function that cannot read loses the event."""
    monkeypatch.setattr(faults, "_take_letters", lambda _aws: False)
    monkeypatch.setattr(faults, "FAULTS", faults.FAULTS[:1])
    verdicts = {cell.verdict for cell in faults.matrix(local_aws, enforced, only("flow_logs", scenarios))}
    assert faults.Verdict.SILENT in verdicts
