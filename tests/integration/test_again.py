"""An event that comes again, eight times, or to eight invocations at once: nothing happens, nobody is told twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from local import attacks, cloudtrail
from local.account import Account
from local.cloud import LocalAws
from local.settings import REGION
from tests.integration import helpers
from tests.integration.helpers import mallory

TIMES = 8


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def test_eight_more_deliveries_of_each_attack_change_and_tell_nothing(cloud: LocalAws, victim: Account) -> None:
    five = attacks.five(victim)
    for attack in five:
        attack.commit(mallory(cloud, attack.service))
        cloud.settle()
    assert len(cloud.notifications) == len(five)
    attacked = helpers.records(cloud, *(attack.operation for attack in five))
    assert len(attacked) == len(five)
    state = helpers.trail(cloud), helpers.flow_logs(cloud, victim.vpc), helpers.access_logging(cloud)
    cloud.forget()

    helpers.deliver(cloud, *(record for record in attacked for _ in range(TIMES)))

    # UpdateTrail goes to two functions, the trail's and its bucket's; CreateVpc comes in batches.
    assert len(cloud.invocations) > TIMES * len(five)
    assert helpers.failed(cloud) == []
    assert helpers.silent(cloud)
    assert (helpers.trail(cloud), helpers.flow_logs(cloud, victim.vpc), helpers.access_logging(cloud)) == state


def test_a_late_event_of_what_was_put_right_long_ago_does_no_harm(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
        cloud.client("cloudtrail").start_logging(Name=victim.trail)
    stopped = helpers.records(cloud, "StopLogging")

    helpers.deliver(cloud, *stopped, *stopped)

    assert helpers.only(cloud).data["outcome"] == "compliant"
    assert helpers.only(cloud).data["actor"]["name"] == "mallory"
    assert helpers.writes(cloud) == []


@pytest.mark.parametrize(
    ("service", "parameters"),
    [
        pytest.param("cloudtrail", {"operation": "stop_logging"}, id="StopLogging"),
        pytest.param(
            "cloudtrail",
            {"operation": "update_trail", "EnableLogFileValidation": False, "KmsKeyId": ""},
            id="UpdateTrail",
        ),
    ],
)
def test_eight_invocations_at_once_tell_once(
    cloud: LocalAws,
    victim: Account,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    parameters: dict[str, str | bool],
) -> None:
    before = helpers.trail(cloud)
    operation = str(parameters["operation"])
    changes = {name: value for name, value in parameters.items() if name != "operation"}
    with helpers.nobody_listening(cloud):
        getattr(mallory(cloud, service), operation)(Name=victim.trail, **changes)
    (attack,) = helpers.records(cloud, "StopLogging", "UpdateTrail")

    _as_function(cloud, "trail", monkeypatch)
    # Imported here, as Lambda does it, after the function's environment is in place.
    from relight.handler import handler_for  # noqa: PLC0415
    from relight.resources import trail  # noqa: PLC0415

    handler = handler_for(trail)
    handler({**cloudtrail.event(attack), "detail": {**attack, "errorCode": "Denied"}}, _context(0))  # warms it up
    with ThreadPoolExecutor(TIMES) as pool:
        done = [pool.submit(handler, cloudtrail.event(attack), _context(number)) for number in range(TIMES)]

    assert [each.result() for each in done] == [None] * TIMES
    assert helpers.only(cloud).data["outcome"] == "repaired"
    assert helpers.only(cloud).data["actor"]["name"] == "mallory"
    assert helpers.trail(cloud) == before


def _as_function(aws: LocalAws, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process play the function, for the local AWS itself runs one invocation at a time."""
    function = aws.stack.functions[family]
    assumed = aws.client("sts").assume_role(RoleArn=function.role, RoleSessionName=function.name)["Credentials"]
    environment = {
        **function.environment,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def _context(number: int) -> SimpleNamespace:
    return SimpleNamespace(
        aws_request_id=f"request-{number}", function_name="trail", get_remaining_time_in_millis=lambda: 120_000
    )
