"""What the model of an organisation takes from the local AWS is what the local AWS does."""

from __future__ import annotations

from collections import Counter

import pytest

from local import account, attacks, faults, simulate
from local.account import Account
from local.cloud import LocalAws
from local.flood import Kind
from local.wire import Call
from relight.aws import READS


def test_the_calls_of_a_drift_are_as_counted(cloud: LocalAws, victim: Account) -> None:
    """Within a fifth, for what is read may change; what is repaired and started may not."""
    with faults.hurry():
        for attack in attacks.five(victim):
            if attack.operation in simulate.MEASURED:
                _compare(cloud, attack, simulate.MEASURED[attack.operation])


def _compare(aws: LocalAws, attack: attacks.Attack, load: simulate.Load) -> None:
    counted: Counter[Kind] = Counter()

    def count(call: Call) -> None:
        if aws.caller(call):
            counted[call.service, "read" if call.name.startswith(READS) else "write"] += 1

    client = aws.actor(f"m-{attack.operation}", account.INTRUDER_ADDRESS).client(attack.service)
    aws.forget()
    aws.on_call = count
    attack.commit(client)
    aws.settle()
    aws.on_call = lambda _: None
    assert len(aws.invocations) == load.functions * (1 + load.echoes), attack.operation
    writes = {kind: number for kind, number in counted.items() if kind[1] == "write"}
    assert writes == {kind: number for kind, number in load.calls.items() if kind[1] == "write"}, attack.operation
    reads = sum(counted.values()) - sum(writes.values())
    said = sum(load.calls.values()) - sum(writes.values())
    assert reads == pytest.approx(said, rel=0.2), f"{attack.operation} reads {dict(counted)}: correct MEASURED"
