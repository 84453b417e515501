"""The sweep, where a family's function fails on the way: what it had meant to repair is looked at again, and told."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from relight.aws import Aws
from relight.errors import RelightError
from relight.message import Message
from relight.progress import Progress
from relight.survey import survey
from relight.sweep import Desk, sweep
from tests.unit.builders import ACCOUNT, REGION, standard
from tests.unit.fakes import Crash, FakeNotifier, FakeSession
from tests.unit.lamps import Lamp, LampKind, Scene, arn
from tests.unit.test_sweep import LATER, FakeJournal, answered

REPAIRED = ["lamp.lit"]


class Household:
    """A sweep of two dark lamps, whose family's function is the real one."""

    def __init__(self, lamps: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("relight.sweep.KINDS", (LampKind(),))
        monkeypatch.setattr("relight.sweep.OF_A_HUB", ())
        lamps.house.lamps |= {"a": Lamp(lit=False), "b": Lamp(lit=False)}
        lamps.know("a", Lamp(), "lamp.lit", "lamp.white")
        lamps.know("b", Lamp(), "lamp.lit", "lamp.white")
        self.lamps, self.journal, self.notifier = lamps, FakeJournal(), FakeNotifier()
        self.asked: list[list[str]] = []  # what it was to repair
        self.fails = 0  # so many times from now on the function repairs, and crashes before it notes so

    def _invoke(self, _region: str, **params: Any) -> Any:
        request = json.loads(params["Payload"])
        self.asked += [request["names"]] if "sweep" in request else []
        if "sweep" not in request or not self.fails:
            return answered(survey(self.lamps.run, [LampKind()], request))
        self.fails -= 1
        self.lamps.ledger.crash = self.lamps.ledger.crash or {"before note"}
        try:
            return answered(survey(self.lamps.run, [LampKind()], request))
        except Crash as error:
            return answered({"errorMessage": str(error)}, FunctionError="Unhandled")

    def run(self) -> Message | None:
        """One attempt of a sweep's function; the message that it sent."""
        answers = {**self.lamps.house.session().answers, "lambda:Invoke": self._invoke}
        session = FakeSession(answers | {"lamps:ListLamps": {"Lamps": ["a", "b"]}})
        run = self.lamps.run
        settings = standard(families={"lamp": "lamp-function"}, sweep_cap=10)
        home = Aws(ACCOUNT, REGION, session, hands=1)
        desk = Desk(settings, home, run.ledger, self.journal, self.notifier, run.clock)
        heard = len(self.notifier.sent)
        noted = self.journal.progress("s1")
        known = list(noted["parts"]["failed"]["first"]) if noted else []
        with suppress(RelightError):
            sweep(desk, Progress("s1", known=known), LATER)
        return self.notifier.sent[-1] if len(self.notifier.sent) > heard else None


@pytest.fixture
def household(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Household:
    return Household(scene, monkeypatch)


def test_what_a_function_that_failed_had_repaired_is_told_by_name(household: Household) -> None:
    household.fails = 1
    message = household.run()
    assert message
    assert sorted(message.data["sweep"]["repaired"].items()) == [(arn("a"), REPAIRED), (arn("b"), REPAIRED)]
    assert household.lamps.ledger.noted("s1") == ([], [])


def test_what_a_function_that_crashed_had_not_begun_is_repaired_and_told_by_name(household: Household) -> None:
    household.fails = 1
    household.lamps.ledger.crash = {"after open"}  # of the first
    for name in "ab":
        message = household.run()
        assert message
        assert message.data["sweep"]["repaired"] == {arn(name): REPAIRED}
    assert household.lamps.ledger.noted("s1") == ([], [])


def test_what_is_still_not_finished_is_told_and_left_to_the_retry(household: Household) -> None:
    household.fails = 2
    told: set[str] = set()
    for attempt in ("first", "retry"):
        message = household.run()
        assert message, attempt
        told |= message.data["sweep"]["repaired"].keys()
        unfinished = {each.resource.arn: REPAIRED for each in household.lamps.ledger.noted("s1").unfinished}
        assert message.data["sweep"].get("unfinished", {}) == unfinished
        assert bool(unfinished) is (attempt == "first") is ("not seen to be repaired" in message.subject)
    assert household.asked == [["a", "b"]] * 3
    assert told == {arn("a"), arn("b")}
    assert household.lamps.ledger.noted("s1").untold == []
