"""How far a sweep has come: what it counted, what it still has to repair, and the first of everything to tell.

Its size does not depend on the account's: of each part some lines are kept, and of what can be repaired the worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from relight.message import clean, shown
from relight.model import Severity
from relight.posture import Count, added

# What is kept of each part to be told, and of each line of it; the functions' logs have the whole.
LINES = 60
LENGTH = 600
# A resource to repair: the rank of its worst severity, the place of its Region and kind in the sweep's order, its name.
Entry = tuple[int, int, str]


@dataclass
class Progress:
    """Plain data, so that another invocation can go on from it."""

    sweep: str  # its id
    full: bool = False  # after a deployment or by hand: told in any case, with all baselines
    phase: str = "look"  # look, repair, done
    kind: int = 0  # the place of the Region and kind that are being looked at
    done: int = 0  # how many of its names were
    looked_at: int = 0
    found: dict[str, list[int]] = field(default_factory=dict)  # control → the posture's four numbers
    changes: dict[str, list[int]] = field(default_factory=dict)  # and what the repairs changed of them
    queue: list[Entry] = field(default_factory=list)
    over: dict[str, int] = field(default_factory=dict)  # severity → how many are over the cap
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)  # part → count, and the first of it
    forbidden: dict[str, dict[str, str]] = field(default_factory=dict)  # Region → what no one may list there → why
    known: list[str] = field(default_factory=list)  # what an earlier attempt failed at, and told so
    # Of a hub: the account that is looked at, and those that come after it.
    accounts: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)  # in which it is; none: the stack's own alone

    def __post_init__(self) -> None:
        self.queue = [(rank, kind, name) for rank, kind, name in self.queue]  # JSON knows lists only

    @property
    def counts(self) -> dict[str, Count]:
        """The posture that was found."""
        return {name: Count(*each) for name, each in self.found.items()}

    @property
    def after(self) -> dict[str, Count]:
        """The posture after the repairs."""
        return added(self.counts, {name: Count(*each) for name, each in self.changes.items()})

    def count(self, part: str) -> int:
        """How many lines a part has, those included that are not kept."""
        return int(self.parts.get(part, {}).get("count", 0))

    def add(self, report: Mapping[str, Any]) -> None:
        """Adds a family function's report."""
        self.looked_at += report.get("looked_at", 0)
        sums = self.found if self.phase == "look" else self.changes
        for control, numbers in report.get("counts", {}).items():
            sums[control] = (Count(*sums.get(control, ())) + Count(*numbers)).as_list()
        for part, lines in report.items():
            if isinstance(lines, dict) and part not in ("counts", "repairable"):
                self.note(part, lines)

    def note(self, part: str, lines: Mapping[str, Any]) -> None:
        """Adds lines to a part."""
        if not lines:
            return
        kept = self.parts.setdefault(part, {"count": 0, "first": {}})
        kept["count"] += len(lines)
        room = LINES - len(kept["first"])
        kept["first"] |= {name[:LENGTH]: _short(value) for name, value in list(lines.items())[:room]}

    def forbid(self, region: str, what: str, why: str) -> None:
        """Adds what a policy of the organisation forbids to look at in a Region."""
        self.forbidden.setdefault(region, {}).setdefault(what, clean(why, LENGTH))

    @property
    def forbidden_lines(self) -> dict[str, str]:
        """Regions, and what is forbidden there; those that are alike share a line: a policy may name a dozen."""
        alike: dict[tuple[str, ...], list[str]] = {}
        for region, lists in self.forbidden.items():
            alike.setdefault(tuple(lists), []).append(region)
        return {
            ", ".join(regions): f"{', '.join(lists)} ({self.forbidden[regions[0]][lists[0]]})"
            for lists, regions in alike.items()
        }

    def enqueue(self, repairable: Mapping[str, int], cap: int) -> None:
        """Queues what can be repaired, the worst first; what is over the cap is only counted."""
        self.queue += [(-rank, self.kind, name) for name, rank in repairable.items()]
        self.queue.sort(key=lambda entry: entry[:2])
        for entry in self.queue[cap:]:
            self.leave(entry)
        del self.queue[cap:]

    def leave(self, entry: Entry) -> None:
        """Leaves something for the next sweep."""
        severity = list(Severity)[-entry[0]]
        self.over[severity] = self.over.get(severity, 0) + 1

    def as_data(self) -> dict[str, Any]:
        """Plain data; `Progress(**data)` is the way back."""
        return asdict(self)


def _short(value: Any) -> Any:
    """A list of texts as it is, if it is not too long; anything else as a text."""
    if isinstance(value, list) and len(", ".join(map(str, value))) <= LENGTH:
        return value
    if isinstance(value, Mapping):  # a baseline: the controls that it meets, and its values, so that a wrong one shows
        values = {name: each for name, each in value["state"].items() if each and name not in ("account", "region")}
        value = f"{', '.join(value['controls'])} ({shown(values)})"
    return clean(value, LENGTH)
