"""How the commands look: the same plain lines everywhere, and a spinner on a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from relight.plain import plain

if TYPE_CHECKING:
    from local.attacks import Attack
    from local.inbox import Notification
    from local.runtime import Invocation

_NARROW, _WIDE = 80, 110
_INDENT = "    "
_SEVERITY = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "dim"}


class Screen:
    """The terminal, or whatever takes its place. Text from events is shown as it is, never read as markup."""

    def __init__(self, stream: TextIO | None = None) -> None:
        # The stream is fixed now: functions that run later may have standard output taken away for a while.
        self._console = Console(file=stream or sys.stdout, highlight=False, soft_wrap=False)
        width = self._console.width if self._console.is_terminal else _WIDE
        self._console.width = max(_NARROW, min(width, _WIDE))
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the command started."""
        return time.monotonic() - self._start

    def line(self, text: str | Text = "", style: str = "") -> None:
        """A line of any length: what is to be copied must not be broken."""
        self._console.print(Text(text, style) if isinstance(text, str) else text, soft_wrap=True)

    def heading(self, text: str) -> None:
        self.line()
        self.line(text, "bold")
        self.line()

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Something that takes a moment: a spinner meanwhile, a line with its time when it is done."""
        start = time.monotonic()
        with self.busy(doing):
            yield
        seconds = f"{time.monotonic() - start:.1f} s"
        self.line(Text.assemble(("  ✓ ", "green"), f"{doing:<{self._console.width - 14}}", (f"{seconds:>8}", "dim")))

    @contextmanager
    def busy(self, doing: str) -> Iterator[Callable[[str], None]]:
        """A spinner; what is yielded says how far it is."""
        if self._console.is_terminal:
            columns = SpinnerColumn(style="green"), TextColumn("{task.description}", markup=False)
            # Standard output is not rich's to redirect: running functions have it.
            with Progress(
                *columns, console=self._console, transient=True, redirect_stdout=False, redirect_stderr=False
            ) as progress:
                task = progress.add_task(doing, total=None)
                yield lambda far: progress.update(task, description=f"{doing}: {far}")
        else:
            yield lambda _: None

    def attack(self, number: int, attack: Attack) -> None:
        title = Text.assemble((f"{number:>2}  ", "bold"), (attack.operation, "bold red"), f"  {attack.effect}")
        self.line(title)
        self._clipped(Text.assemble(_INDENT, ("$ ", "dim"), (attack.command, "dim")))

    def incident(self, notification: Notification) -> None:
        """One incident, all of it out of the message that security got."""
        data = notification.data
        actor = data["actor"]
        self._row(_clock(data["event_time"]), Text(f"{actor['name']} from {actor['source_ip']}: {data['event_name']}"))
        for finding in data["findings"]:
            self._finding(finding, notification.outcome)
        for call in data["calls"]:
            operation, _, parameters = call.partition(" ")
            self._row("repaired", Text.assemble(operation, (f" {parameters}", "dim")), "green")
        for call in data["would_call"]:
            self._row("would call", Text(call))
        if notification.outcome == "repaired":
            dark = data["dark_seconds"]
            self._row("verified", Text("read back" + (f"; dark for {dark:.1f} s" if dark is not None else "")), "green")
        else:
            self._row("outcome", Text(notification.outcome), "yellow")
        if data["error"]:
            self._row("error", Text(data["error"]), "red")

    def act(self, who: str, called: str, where: str) -> None:
        """A session, what it called, and where."""
        self._row("called", Text.assemble(f"{called} in {where}", (f" as {plain(who)}", "dim")))

    def failure(self, invocation: Invocation) -> None:
        """A function that raised, which in AWS would be retried and end in the dead-letter queue."""
        error = invocation.error or {}
        self._row(
            "failed", Text(f"{invocation.function}: {error.get('errorType')}: {error.get('errorMessage')}"), "red"
        )

    def _finding(self, finding: dict[str, Any], usual: str) -> None:
        severity, outcome = finding["severity"], finding["outcome"]
        aside = "" if outcome == usual else f" ({outcome})"
        self._row(severity, Text(f"{finding['control']}: {finding['title']}{aside}"), _SEVERITY.get(severity, ""))
        for drift in finding["drifts"]:
            found, wanted = (_value(drift[side]) for side in ("found", "wanted"))
            self._row("", Text.assemble((f"{drift['field']}  ", "dim"), (found, "red"), " → ", (wanted, "green")))

    def email(self, notification: Notification, to: str) -> None:
        head = Text.assemble(
            ("To:      ", "dim"), to, "\n", ("Subject: ", "dim"), (notification.subject, "bold"), "\n\n"
        )
        self._console.print(Panel(head + Text(notification.text.rstrip()), box=box.ROUNDED, border_style="dim"))

    def proof(self, rows: Iterable[tuple[str, str, str, bool]]) -> None:
        """What AWS says now: call, field, value, and whether it is as before the attacks."""
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        for call, field, value, good in rows:
            mark = Text("  ✓", "green") if good else Text("  ✗", "bold red")
            table.add_row(mark, Text(call, "dim"), field, Text(value))
        self._console.print(table)

    def catalogue(self, rows: Iterable[tuple[str, str, str, bool]]) -> None:
        """What became of each sabotage: control, effect, outcome, and whether that is as it should be."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for heading in ("", "Control", "Sabotage", "Outcome"):
            table.add_column(heading, no_wrap=heading == "Control")
        for control, effect, outcome, good in rows:
            mark = Text("  ✓", "green") if good else Text("  ✗", "bold red")
            table.add_row(mark, control, Text(effect), Text(outcome or "nobody was told", "green" if good else "red"))
        self._console.print(table)

    def posture(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """A row a control: how many of what it is judged of violate it, beside what the study found."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("Control", no_wrap=True)
        for heading in ("Met", "Violated", "Percent", "Study", "Unknown", "Exempt"):
            table.add_column(heading, justify="right")
        table.add_column("Of")
        for row in rows:
            counts = [str(row[name] or "") for name in ("unknown", "exempt")]
            style = "red" if row["violated"] else "yellow" if row["unknown"] else "green" if row["met"] else "dim"
            figures = [str(row["met"]), str(row["violated"]), _percent(row["percent"]), _percent(row["study"]), *counts]
            table.add_row(Text(row["control"], style), *map(Text, figures), Text(row["unit"], "dim"))
        self._console.print(table)

    def change(self, before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> None:
        """How many violations there were, and are, of each control of which the number is another one now."""
        now = {row["control"]: row["violated"] for row in after}
        rows = [(row["control"], row["violated"], now.get(row["control"], 0)) for row in before]
        changed = [[control, str(was), str(left)] for control, was, left in rows if was != left]
        if changed:
            self.heading("Violations, before and after")
            self.table(["Control", "Before", "After"], changed)

    def violation(self, finding: Mapping[str, Any]) -> None:
        """One control that one resource does not meet, what would mend it, and what a person must do."""
        severity = finding["severity"]
        head = Text.assemble((f"{severity:<10}", _SEVERITY.get(severity, "")), f"{finding['control']}  ")
        self.line(head + Text(plain(finding["resource"]), "bold"))
        for drift in finding["drifts"]:
            found, wanted = (plain(_value(drift[side])) for side in ("found", "wanted"))
            change = Text.assemble((f"{drift['field']}  ", "dim"), (found, "red"), " → ", (wanted, "green"))
            self._clipped(Text(_INDENT * 3) + change)
        manual = dict.fromkeys(drift["manual"] for drift in finding["drifts"])
        for label, text in (*(("to do", each) for each in manual), ("note", finding["note"])):
            if text:
                self.line(f"{_INDENT}{label:<8}{plain(text)}")
        for call in finding["would_call"]:
            self._clipped(Text.assemble(_INDENT, ("--fix   ", "dim"), plain(call)))

    def words(self, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """A table of words."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for heading in columns:
            table.add_column(heading)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """What there is to know of something: a label and its text, wrapped beside it."""
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, style="dim")
        table.add_column()
        for label, text in rows:
            table.add_row(label, Text(text))
        self._console.print(table)

    def matrix(self, columns: list[str], rows: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        """A row a function's call, a column a fault."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for heading in ("Function", "Call", *columns):
            table.add_column(heading, no_wrap=heading == "Call")
        for (function, call), outcomes in rows.items():
            table.add_row(function, call, *(Text(outcomes.get(column, "")) for column in columns))
        self._console.print(table)

    def table(self, columns: list[str], rows: list[list[str]]) -> None:
        """A table, the first column in words and the others in figures."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for number, heading in enumerate(columns):
            table.add_column(heading, justify="right" if number else "left", no_wrap=not number)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    def verdict(self, text: str, *, good: bool) -> None:
        self.line()
        self.line(text, "bold green" if good else "bold red")

    def _row(self, label: str, text: Text, style: str = "dim") -> None:
        self._clipped(Text.assemble(_INDENT, (f"{label:<10}", style), text))

    def _clipped(self, text: Text) -> None:
        self._console.print(text, no_wrap=True, overflow="ellipsis")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.3g} %"


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%H:%M:%SZ")


def _value(value: Any) -> str:
    """A drift's value for people: nothing for what is empty, the last part of an ARN, settings without their names."""
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value) or "nothing"
    if isinstance(value, dict):
        return " ".join(_value(item) for item in value.values() if item and not isinstance(item, dict)) or "nothing"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value.rpartition(":")[2] or "nothing"
    return json.dumps(value)
