"""Whatever an event holds: a clear error or a clean end, in bounded time, and no write that it did not deserve.

All functions there are, each with its real handler, in two accounts: one that has nothing, where no record names
anything real, so that none may lead to a write; and one in ruins, where a record may only lead to what honest records
lead to as well: nothing of an intruder's text ever gets into a call.
"""

from __future__ import annotations

import importlib.util
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from unittest import mock

import click
import pytest
from hypothesis import given, settings

from local.settings import ACCOUNT, PARTITION, PROJECT, REGION
from relight import telemetry
from relight.errors import RelightError
from relight.sweep import KINDS, OF_A_HUB
from tests.contract.samples import BATCHES
from tests.fuzz import claims, records
from tests.fuzz.records import Given
from tests.fuzz.world import KEY, NOTHING, RUIN, STACK, TOPIC, Answers, World, inhabited

FAMILIES = sorted(path.parent.name for path in (PROJECT / "functions").glob("*/app.py"))
every_function = pytest.mark.parametrize("family", FAMILIES)
ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "RELIGHT_ACCOUNT": ACCOUNT,
    "RELIGHT_TOPIC": TOPIC,
    "RELIGHT_LEDGER": "ledger",
    "RELIGHT_STACK": STACK,
    "RELIGHT_TRAIL_KEY": KEY,
    "RELIGHT_FLOW_LOGS_ROLE": f"arn:{PARTITION}:iam::{ACCOUNT}:role/flow-logs",
    "RELIGHT_ACCESS_LOG_BUCKET": "access-logs",
    "RELIGHT_FAMILIES": ",".join(f"{kind.KIND}=relight-{kind.KIND}" for kind in (*KINDS, *OF_A_HUB)),
    "POWERTOOLS_SERVICE_NAME": "fuzz",
    "POWERTOOLS_METRICS_NAMESPACE": "Relight",
}


@dataclass
class Context:
    """As much of Lambda's context as a handler looks at."""

    aws_request_id: str = "request-1"
    function_name: str = "function"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class Function:
    """A function in an account."""

    world: World
    handler: Callable[[Any, Any], Any]
    log: io.StringIO = field(default_factory=io.StringIO)
    events: int = 0

    @cached_property
    def honest(self) -> set[str]:
        """The writes that the sample events lead to, those of all functions."""
        return _led_to(self, records.HONEST)

    @cached_property
    def from_elsewhere(self) -> set[str]:
        """And those that they lead to in another Region."""
        return _led_to(self, records.FROM_ELSEWHERE)

    def __call__(self, given_: Given) -> Any:
        """What it returned. Raises what it raised, which must be clear; all that it said is looked at."""
        self.events += 1
        self.world.sent.clear()
        self.log.seek(0)
        self.log.truncate()
        event = json.loads(given_.text)
        with (
            mock.patch.object(telemetry.logger.registered_handler, "stream", self.log),
            mock.patch("sys.stdout", self.log),
        ):
            try:
                return self.handler(event, Context())
            except Exception as error:
                _is_clear(error)
                raise
            finally:
                claims.are_sound_lines(self.log.getvalue())
                for sent in self.world.sent:
                    claims.is_sound(sent)


def _is_clear(error: BaseException) -> None:
    """An error of Relight's own, which says something; or several of them."""
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            _is_clear(each)
        return
    assert isinstance(error, RelightError), f"{type(error).__name__}: {error}"
    assert len(str(error)) > len("no"), "an error that says nothing"
    assert not claims.DANGEROUS.search(str(error))
    assert "\n" not in str(error)
    assert len(str(error)) < 20_000, "an error that nobody can read"


def _function(family: str, answers: Answers) -> Function:
    world = World(answers)
    with inhabited(world):
        spec = importlib.util.spec_from_file_location(f"fuzzed_{family}", PROJECT / "functions" / family / "app.py")
        assert spec
        assert spec.loader
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
    return Function(world, app.handler)


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """A function's environment, in which nobody waits."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr(time, "sleep", lambda _seconds: None)
        yield


@pytest.fixture(scope="module")
def functions() -> Iterator[Callable[[str, str], Function]]:
    """The functions in both accounts, each made once: boto3's clients are what takes time."""
    made: dict[tuple[str, str], Function] = {}

    def function(family: str, where: str) -> Function:
        if (family, where) not in made:
            made[family, where] = _function(family, NOTHING if where == "nothing" else RUIN)
        return made[family, where]

    yield function
    click.echo(  # shown by `pytest -s`
        f"\nfuzz: {sum(each.events for each in made.values()):,} events to {len({family for family, _ in made})} "
        "functions: each ended in a clear error or cleanly, within seconds, and led to no write that an honest record "
        "would not lead to"
    )


def _led_to(function: Function, events: list[Any]) -> set[str]:
    """The writes that events lead to."""
    found: set[str] = set()
    for event in events:
        _run(function, Given(json.dumps(event)))
        found.update(function.world.writes)
    return found


def _run(function: Function, event: Given) -> Any:
    """What came back, or the clear error."""
    try:
        return function(event)
    except (RelightError, ExceptionGroup) as error:
        return error


@every_function
@pytest.mark.parametrize("where", ["nothing", "ruin"])
def test_a_record_leads_to_no_write_that_an_honest_one_would_not(family: str, where: str, functions: Any) -> None:
    function = functions(family, where)

    @settings(settings.get_profile("fuzz"))
    @given(records.given_as(records.mutated(family) | records.JSON))
    def fuzz(event: Given) -> None:
        _run(function, event)
        written = set(function.world.writes)
        unknown = written - function.honest
        assert not unknown or not unknown - function.from_elsewhere

    fuzz()


@every_function
@pytest.mark.parametrize("half", ["requestParameters", "responseElements", "userIdentity"])
def test_every_text_of_a_record_may_be_hostile(family: str, half: str, functions: Any) -> None:
    """Each forgery in the place of all names at once, in the samples of the function's; who did it is alike in all."""
    function = functions(family, "ruin")
    events = [event for event in records.own(family) if records.says(event, half)]
    for event in events[: 2 if half == "userIdentity" else None]:
        for forgery in records.FORGERIES:
            _run(function, Given(json.dumps(records.with_texts(event, half, forgery))))
            assert set(function.world.writes) <= function.honest


@pytest.mark.parametrize("family", sorted({sample.family for sample in BATCHES}))
def test_of_a_broken_batch_only_what_failed_comes_again(family: str, functions: Any) -> None:
    function = functions(family, "nothing")

    @settings(settings.get_profile("fuzz"))
    @given(records.given_as(records.batches(family)))
    def fuzz(batch: Given) -> None:
        answer = function(batch)
        sent = {message["messageId"] for message in json.loads(batch.text)["Records"]}
        assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} <= sent
        assert function.world.writes == []

    fuzz()


@every_function
def test_where_there_is_nothing_honest_records_lead_to_no_write_either(family: str, functions: Any) -> None:
    """But for a Region's recorder, which any record of AWS Config's names, and which the standard can make again."""
    expected = family == "recorder"
    assert bool(functions(family, "nothing").honest) == expected


@pytest.mark.parametrize("family", ["trail", "trail_bucket", "flow_logs", "key", "recorder", "log_group", "guard"])
def test_the_ruins_lead_to_repairs(family: str, functions: Any) -> None:
    """Else it would say nothing that no others were made."""
    assert functions(family, "ruin").honest
