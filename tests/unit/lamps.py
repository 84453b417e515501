"""A kind of resource that exists in tests only: lamps that ought to be lit and white, in a house instead of AWS.

It has what the loop must cope with: reads that lag, writes that are refused or have no effect, lamps that are not
visible yet, are gone, belong to somebody else or cannot be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relight.aws import Aws, Place
from relight.case import Runtime
from relight.errors import OutOfReach, UnknownState
from relight.model import Baseline, Call, Drift, Mode, Observed, Resource, Scope, Severity
from relight.policy import state
from relight.policy.control import Control
from relight.record import Record
from relight.standard import Standard
from tests.unit.builders import ACCOUNT, REGION, standard
from tests.unit.fakes import ORGANIZATION, FakeClock, FakeLedger, FakeNotifier, FakeSession, fake_hub, refused


@dataclass(frozen=True, slots=True)
class Lamp:
    """`colour` may be ``dim`` (nobody can mend that), ``fog`` (cannot be judged) or ``veil`` (nor ever will be)."""

    lit: bool = True
    colour: str = "white"
    room: str = "hall"


def lit(lamp: Lamp, _standard: Standard, _baseline: Lamp | None) -> Iterator[Drift]:
    if not lamp.lit:
        yield Drift("Lit", found=False, wanted=True)


def white(lamp: Lamp, _standard: Standard, _baseline: Lamp | None) -> Iterator[Drift]:
    if lamp.colour == "fog":
        raise UnknownState("fog")
    if lamp.colour == "veil":
        raise OutOfReach("veil")
    if lamp.colour != "white":
        manual = "Buy a new bulb." if lamp.colour == "dim" else ""
        yield Drift("Colour", found=lamp.colour, wanted="white", manual=manual)


def hangs(lamp: Lamp | None, _standard: Standard, baseline: Lamp | None) -> Iterator[Drift]:
    if lamp is None and baseline:
        yield Drift("Lamp", found=None, wanted=baseline.room)


# Not in every house.
HANGS = Control("lamp.hangs", "It hangs", Severity.CRITICAL, ("Steal",), "Hang", check=hangs, absent=True)
CONTROLS = (
    Control(
        "lamp.lit", "It is lit", Severity.HIGH, ("SwitchOff", "MakeLamp"), "TurnOn", check=lit, introduce=Mode.ENFORCE
    ),
    Control("lamp.white", "It is white", Severity.MEDIUM, ("Paint",), "Paint", check=white),
)


@dataclass
class House:
    """The lamps, and what goes wrong with them."""

    lamps: dict[str, Lamp] = field(default_factory=dict)
    lag: int = 0  # reads after each write that still show what was there before
    invisible: int = 0  # reads that show nothing at all yet
    refuses: dict[str, str] = field(default_factory=dict)  # operation → error code
    because: str = "no"  # AWS's message to what is refused
    unreadable: set[str] = field(default_factory=set)
    powerless: bool = False  # writes succeed and change nothing
    after_write: dict[str, Lamp | None] = field(default_factory=dict)  # what somebody else does just after a write
    writes: list[tuple[str, str]] = field(default_factory=list)
    reads: int = 0
    _stale: dict[str, tuple[int, Lamp]] = field(default_factory=dict)

    def lag_behind(self, name: str, shown: Lamp, reads: int) -> None:
        """So many reads still show what the lamp was before the call that the record tells of."""
        self._stale[name] = (reads, shown)

    def session(self) -> FakeSession:
        return FakeSession(
            {
                "lamps:DescribeLamp": self._describe,
                "lamps:TurnOn": lambda _region, **p: self._write("TurnOn", p["Name"], lit=True),
                "lamps:Hang": self._hang,
                "lamps:Paint": lambda _region, **p: self._write("Paint", p["Name"], colour=p["Colour"]),
            }
        )

    def _describe(self, _region: str, Name: str) -> Mapping[str, Any]:  # noqa: N803  as AWS spells parameters
        self.reads += 1
        if Name in self.unreadable:
            raise refused("AccessDenied", self.because)
        if self.invisible:
            self.invisible -= 1
            raise refused("NoSuchLamp")
        reads_left, old = self._stale.get(Name, (0, None))
        if reads_left and old:
            self._stale[Name] = (reads_left - 1, old)
            return {"Lamp": old}
        if Name not in self.lamps:
            raise refused("NoSuchLamp")
        return {"Lamp": self.lamps[Name]}

    def _hang(self, _region: str, Name: str, Room: str) -> Mapping[str, Any]:  # noqa: N803
        self.writes.append(("Hang", Name))
        if "Hang" in self.refuses:
            raise refused(self.refuses["Hang"], self.because)
        self.lamps[Name] = Lamp(lit=False, room=Room)
        return {}

    def _write(self, operation: str, name: str, **changes: Any) -> Mapping[str, Any]:
        self.writes.append((operation, name))
        if operation in self.refuses:
            raise refused(self.refuses[operation], self.because)
        if not self.powerless:
            self._stale[name] = (self.lag, self.lamps[name])
            self.lamps[name] = replace(self.lamps[name], **changes)
        if name in self.after_write:
            later = self.after_write[name]
            if later is None:
                del self.lamps[name]
            else:
                self.lamps[name] = later
        return {}


class LampKind:
    """Kind, for lamps."""

    KIND = "lamp"
    CREATES = frozenset({"MakeLamp"})

    def arn(self, partition: str, account: str, region: str, name: str) -> str:
        return f"arn:{partition}:lamps:{region}:{account}:lamp/{name}"

    def locate(self, record: Record) -> Scope:
        return Scope(record.account, record.region, names=tuple(record.request["names"]))

    def observe(
        self, aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Any]], standard: Standard
    ) -> Iterable[Observed[Lamp]]:
        assert all(arn.startswith("arn:") and baseline for arn, baseline in baselines.items())
        place = aws.at(scope.account, scope.region)
        for name in scope.names:
            resource = Resource(
                self.KIND,
                name,
                self.arn(standard.partition, scope.account, scope.region, name),
                scope.account,
                scope.region,
            )
            if name.startswith("neighbours-"):
                yield Observed(resource, None, "it is the neighbours'")
                continue
            if name.startswith("attic-") and resource.arn not in baselines:
                continue  # as a bucket that has no baseline: none of Relight's business
            answer = place.read("lamps", "DescribeLamp", missing=("NoSuchLamp",), Name=name)
            yield Observed(resource, answer["Lamp"] if answer else None)

    def taken(self, record: Record, baseline: Baseline[Any] | None, standard: Standard) -> Mapping[str, str]:
        assert standard.account == ACCOUNT
        if record.name == "Steal":
            return {"lamp.hangs": ""}
        if record.name == "SwitchOff":
            return {"lamp.lit": "" if baseline else "Nobody knows whether it was lit."}
        return {"Paint": {"lamp.white": ""}, "Move": {"lamp.baseline": ""}}.get(record.name, {})

    def plan(
        self, observed: Observed[Lamp], drifts: tuple[Drift, ...], standard: Standard, baseline: Lamp | None
    ) -> tuple[Call, ...]:
        assert standard.account == ACCOUNT
        name = observed.resource.name
        calls = {
            "Lit": Call("lamps", "TurnOn", {"Name": name}),
            "Colour": Call(
                "lamps",
                "Paint",
                {"Name": name, "Colour": "white"},
                instead=(Call("lamps", "TurnOn", {"Name": name}),),
            ),
            "Lamp": Call("lamps", "Hang", {"Name": name, "Room": baseline.room if baseline else ""}),
        }
        return tuple(calls[drift.field] for drift in drifts)

    def weaker(self, old: Lamp, new: Lamp, standard: Standard) -> tuple[Drift, ...]:
        assert standard.account == ACCOUNT
        fields = (("Room", old.room, new.room), ("Colour", old.colour, new.colour), ("Lit", old.lit, new.lit))
        return tuple(Drift(name, now, was) for name, was, now in fields if was and was != now)

    def list_names(self, place: Place, standard: Standard) -> list[str]:  # noqa: ARG002 (the protocol's signature)
        answer = place.read("lamps", "ListLamps")
        return list(answer["Lamps"]) if answer else []

    def revive(self, data: Mapping[str, Any]) -> Lamp:
        return state.revive(Lamp, data)


@dataclass
class Scene:
    """A house with everything that an invocation works with."""

    house: House
    ledger: FakeLedger
    notifier: FakeNotifier
    clock: FakeClock
    settings: dict[str, Any]

    @property
    def run(self) -> Runtime:
        aws = Aws(ACCOUNT, REGION, self.house.session(), hands=1)
        return Runtime(standard(**self.settings), aws, self.ledger, self.notifier, self.clock)

    def hub(self, **sts: Any) -> Runtime:
        """The same as a hub, which reaches the house from another account too; STS may answer otherwise."""
        aws, _ = fake_hub(
            self.clock, **{name.replace(":", "__"): a for name, a in self.house.session().answers.items()}, **sts
        )
        settings = standard(organization=ORGANIZATION, **self.settings)
        return Runtime(settings, aws, self.ledger, self.notifier, self.clock)

    @property
    def told(self) -> list[str]:
        """What was told, as ``lamp: outcome``."""
        return [f"{each.resource.name}: {each.outcome}" for each in self.notifier.told]

    def kept(self, name: str) -> tuple[Lamp, set[str]] | None:
        """The baseline of a lamp: its state and the controls that it met."""
        row = self.ledger.baselines("lamp", ACCOUNT, [arn(name)], LampKind().revive).get(arn(name))
        return (row.state, set(row.controls)) if row else None

    def know(self, name: str, lamp: Lamp, *controls: str) -> None:
        """Puts a baseline into the ledger."""
        resource = Resource("lamp", name, arn(name), ACCOUNT, REGION)
        assert self.ledger.keep(resource, Baseline(lamp, frozenset(controls), self.clock.now()))


def arn(name: str) -> str:
    return LampKind().arn("aws", ACCOUNT, REGION, name)
