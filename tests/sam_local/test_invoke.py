"""Each function in Lambda's own container (`sam local invoke`), on its sample events, against the local AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import pytest

from local import account, container, sabotage, samples
from local.account import Account
from local.cloud import LocalAws
from local.container import ContainerError, Reachable
from local.samples import Sample
from local.settings import PROJECT
from tests.integration import helpers

SAM = os.environ.get("SAM") or str(PROJECT / ".venv-sam" / "bin" / "sam")
# One after the other where tests run in parallel: containers reach one address only.
pytestmark = pytest.mark.xdist_group("containers")
REQUIRED = os.environ.get("RELIGHT_REQUIRE_DOCKER") == "1"


@pytest.fixture(scope="module")
def reach() -> Iterator[Reachable]:
    """The local AWS where containers reach it; skipped, or failed if it is demanded, where no engine answers."""
    try:
        engine = container.engine()
    except ContainerError as error:
        if REQUIRED:
            pytest.fail(f"RELIGHT_REQUIRE_DOCKER=1, but: {error}")
        pytest.skip(str(error))
    found = container.reachable(engine)
    with found.aws:
        yield found


def prepare(aws: LocalAws, sample: Sample, *, broken: bool = True) -> Account:
    """A fresh account in which what the sample reports has happened; from now on only a container acts."""
    aws.delivers = True
    aws.reset()
    victim = account.build(aws)
    sabotage.furnish(aws, victim)
    aws.deploy()
    if not sample.is_first_look:
        aws.announce(deaf=() if sample.family in helpers.GUARDS else helpers.GUARDS)
        aws.settle()
    aws.forget()
    aws.delivers = False
    if broken:
        samples.commit(aws, sample, victim)
    return victim


def trail_logs(aws: LocalAws, _victim: Account) -> bool:
    return bool(helpers.trail(aws)["IsLogging"])


def flow_log_is_back(aws: LocalAws, victim: Account) -> bool:
    return [log["TrafficType"] for log in helpers.flow_logs(aws, victim.vpc)] == ["ALL"]


def vpc_is_covered(aws: LocalAws, victim: Account) -> bool:
    return [log["TrafficType"] for log in helpers.flow_logs(aws, victim.vpc)] == ["REJECT"]


def bucket_logs_as_before(aws: LocalAws, victim: Account) -> bool:
    return helpers.access_logging(aws) == {"TargetBucket": victim.access_log_bucket, "TargetPrefix": "trail/"}


@pytest.mark.parametrize(
    ("family", "event", "repaired", "answer"),
    [
        ("trail", "StopLogging", trail_logs, "null"),
        ("flow_logs", "DeleteFlowLogs", flow_log_is_back, "null"),
        ("flow_logs", "CreateVpc.sqs", vpc_is_covered, '{"batchItemFailures": []}'),
        ("trail_bucket", "PutBucketLogging", bucket_logs_as_before, "null"),
    ],
)
def test_a_function_repairs_what_its_sample_reports(
    reach: Reachable, family: str, event: str, repaired: Callable[[LocalAws, Account], bool], answer: str
) -> None:
    sample = samples.read(family, event)
    victim = prepare(reach.aws, sample)
    assert not repaired(reach.aws, victim)

    result = container.invoke(reach, reach.aws.stack.functions[family], sample.event, SAM)

    assert (result.returncode, result.stdout.strip()) == (0, answer)
    assert repaired(reach.aws, victim)
    message = helpers.only(reach.aws)
    assert message.data["outcome"] == "repaired"
    assert message.data["actor"]["arn"] == sample.record["userIdentity"]["arn"]
    assert message.event_id == sample.record["eventID"]


@pytest.mark.parametrize(
    ("family", "event"),
    [
        ("key", "DisableKey"),
        ("recorder", "StopConfigurationRecorder"),
        ("alarm", "DeleteAlarms"),
        ("log_group", "PutRetentionPolicy"),
        ("guard", "DisableRule"),
        ("guard_watch", "DisableRule"),
    ],
)
def test_the_other_functions_repair_what_the_catalogues_sabotage_broke(
    reach: Reachable, family: str, event: str
) -> None:
    sample = samples.read(family, event)
    each = samples.sabotage_of(sample)
    assert each is not None
    victim = prepare(reach.aws, sample, broken=False)
    before = each.proof(reach.aws, victim)
    sample = samples.named_as_in(reach.aws.stack, sample)
    samples.commit(reach.aws, sample, victim)
    assert each.proof(reach.aws, victim) != before

    result = container.invoke(reach, reach.aws.stack.functions[family], sample.event, SAM)

    assert (result.returncode, result.stdout.strip()) == (0, "null")
    assert each.proof(reach.aws, victim) == before
    assert {message.data["outcome"] for message in reach.aws.notifications} == {"repaired"}


def test_the_sweep_keeps_baselines(reach: Reachable) -> None:
    sample = samples.read("sweep", "StackCreated")
    victim = prepare(reach.aws, sample)
    assert helpers.baseline(reach.aws, victim.trail_arn) is None

    result = container.invoke(reach, reach.aws.stack.functions["sweep"], sample.event, SAM)

    assert result.returncode == 0
    assert json.loads(result.stdout)["phase"] == "done"
    assert helpers.baseline(reach.aws, victim.trail_arn) is not None
    assert victim.trail_arn in helpers.only(reach.aws).data["sweep"]["kept"]
