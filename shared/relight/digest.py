"""What a sweep tells security, in one message: the posture, what was repaired, what was not, what is new. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from relight.message import Message, clean, shown, subject_line
from relight.model import Incident, Outcome, Severity
from relight.posture import Counts, Row, table
from relight.progress import Progress

# What a message lists of each part: as much as fits. SNS takes 256 KB of text and data together
# (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html), and the data is escaped once more.
LINES = (60, 20, 5, 1)
LARGEST = 200_000
HEADINGS = {
    "unrepaired": "COULD NOT BE REPAIRED",
    "unfinished": "NOT SEEN TO BE REPAIRED, for the function failed on the way",
    "weaker": "WEAKER THAN THEIR BASELINE, and not to be repaired",
    "baselines": "BASELINES: what Relight puts back from now on",
    "kept": "NEW BASELINES: what Relight puts back from now on",
    "drifted": "NOT AS THE STANDARD DEMANDS, and only told",
    "exempt": "EXEMPT, by standard.toml",
    "out_of_reach": "OUT OF REACH",
    "not_let_in": "OUT OF REACH, for the account does not let its role be assumed",
    "forbidden": "OUT OF REACH, for a policy of the organisation forbids it",
    "failed": "COULD NOT BE LOOKED AT",
}
GRAVE = ("weaker", "unrepaired", "unfinished", "not_let_in")


def digest(progress: Progress, incidents: Sequence[Incident], account: str, region: str, alias: str = "") -> Message:
    """The message about a sweep; `incidents` are its repairs. `alias` is what the account is called besides its id."""
    regions = progress.regions or [region]
    named = f"{clean(alias)} ({account})" if alias else account
    where = f"account {named}, {regions[0] if len(regions) == 1 else f'{len(regions)} Regions'}"
    for most in LINES:
        message = _digest(progress, incidents, where, most)
        if len(message.text) + len(json.dumps(message.data)) < LARGEST:
            break
    severity = message.attributes["severity"]
    attributes: dict[str, str | list[str]] = {"severity": severity, "account": account, "outcome": "swept"}
    attributes["region"] = regions[0] if len(regions) == 1 else list(regions)
    return Message(message.subject, message.text, message.data, attributes)


def _digest(progress: Progress, incidents: Sequence[Incident], where: str, lines: int) -> Message:
    parts = progress.parts
    told = [name for name in HEADINGS if name in parts and not (name == "kept" and progress.full)]
    severity = max([Severity.LOW, *_severities(progress, incidents)], key=lambda each: each.rank)
    repaired = {each.resource.arn: ended for each in incidents if (ended := _repaired(each))}
    lines_of = {arn: f"{', '.join(controls)} ({fields})" for arn, (controls, fields) in repaired.items()}
    rows = table({"": progress.after})
    text = [
        f"Relight looked at {progress.looked_at} resources of {where}.",
        "",
        "POSTURE, after this sweep",
        *(_row(row, progress.counts) for row in rows if row.study is not None),
        *_others([row for row in rows if row.study is None]),
        *_listed("REPAIRED: nobody knows who had changed it, for no event told", lines_of, len(repaired), lines),
        *_over(progress),
        *(each for name in told for each in _listed(HEADINGS[name], parts[name]["first"], parts[name]["count"], lines)),
        "",
        "WHAT TO DO",
        "  Look over new baselines once: what is wrong in them may be an attack that came before Relight did.",
        "  What was repaired or is weaker was changed with no event told: CloudTrail's Event history knows by whom.",
        "  relight explain CONTROL says what each control is about, and what its repair costs.",
    ]
    data = {
        "version": 2,
        "sweep": {
            "id": progress.sweep,
            "looked_at": progress.looked_at,
            "posture": {row.control: row.count.as_list() for row in rows},
            "left": progress.over,
            "totals": {name: each["count"] for name, each in progress.parts.items()} | {"repaired": len(repaired)},
            **{name: _first(each["first"], lines) for name, each in parts.items()},
            "repaired": _first({arn: controls for arn, (controls, _) in repaired.items()}, lines),
        },
    }
    subject = f"[{severity}] Relight's sweep: {_summary(progress, len(repaired))} in {where}"
    return Message(subject_line(subject), "\n".join(text) + "\n", data, {"severity": severity})


def _severities(progress: Progress, incidents: Iterable[Incident]) -> list[Severity]:
    grave = [Severity.HIGH] if any(map(progress.count, GRAVE)) else []
    return [*grave, *(Severity(each) for each in progress.over), *(each.severity for each in incidents)]


def _summary(progress: Progress, repaired: int) -> str:
    left = sum(progress.over.values())
    counts = (
        (repaired, "repaired"),
        (progress.count("unrepaired"), "not repairable"),
        (progress.count("unfinished"), "not seen to be repaired"),
        (left, "left for the next"),
        (progress.count("weaker"), "weaker than their baseline"),
        (progress.count("failed"), "not looked at"),
        (progress.count("not_let_in"), "lists out of reach"),
        (len(progress.forbidden), "Regions not looked at in full"),
        (progress.count("kept"), "new baselines"),
    )
    said = [f"{count} {what}" for count, what in counts if count]
    return ", ".join(said) or f"{progress.count('drifted')} not as the standard demands"


def _row(row: Row, before: Counts) -> str:
    """``VPC flow logs: 12 of 40 not (30.0 %; 81.2 % in the study), 28 before, 2 exempt or off``."""
    judged = row.count.met + row.count.violated
    share = f"{row.percent:.1f} %" if row.percent is not None else "nothing judged"
    study = f"; {row.study} % in the study" if row.study is not None else ""
    was = before.get(row.control)
    changed = f", {was.violated} before" if was and not row.unit.startswith("accounts") and was != row.count else ""
    unknown = f", {row.count.unknown} unknown" if row.count.unknown else ""
    exempt = f", {row.count.exempt} exempt or off" if row.count.exempt else ""
    return f"  {row.title}: {row.count.violated} of {judged} not ({share}{study}){changed}{unknown}{exempt}"


def _others(rows: Sequence[Row]) -> list[str]:
    violated = [f"{row.control} ({row.count.violated})" for row in rows if row.count.violated]
    named = f": {', '.join(violated)}" if violated else ""
    return [f"  {len(violated)} of {len(rows)} other controls are not met everywhere{named}"]


def _repaired(incident: Incident) -> tuple[list[str], str] | None:
    """The controls that were repaired, and what changed; None where none was."""
    findings = [f for f in incident.findings if f.outcome is Outcome.REPAIRED]
    fields = [f"{d.field}: {shown(d.found)} → {shown(d.wanted)}" for f in findings for d in f.drifts]
    return ([f.control for f in findings], "; ".join(fields)) if findings else None


def _over(progress: Progress) -> list[str]:
    if not progress.over:
        return []
    worst = sorted(progress.over.items(), key=lambda pair: -Severity(pair[0]).rank)
    counts = ", ".join(f"{count} {severity}" for severity, count in worst)
    return ["", f"LEFT FOR THE NEXT SWEEP, over this one's cap (parameter SweepRepairCap): {counts}"]


def _first(part: Mapping[str, Any], lines: int) -> dict[str, Any]:
    return dict(list(part.items())[:lines])


def _listed(title: str, part: Mapping[str, Any], count: int, lines: int) -> list[str]:
    if not part:
        return []
    told = [f"  {clean(name)}: {clean(_joined(value))}" for name, value in _first(part, lines).items()]
    more = [f"  … and {count - len(told)} more: see the functions' logs"] if count > len(told) else []
    return ["", title, *told, *more]


def _joined(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
