"""Lists what the catalogue covers in the Region, has the family functions look at it, and tells what became a baseline.

It holds no write permission, and reads no configuration itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relight import telemetry
from relight.aws import Aws, Place, body
from relight.errors import InvalidSetting, RelightError
from relight.message import Message, clean, shown, subject_line
from relight.model import Call, Severity
from relight.notify import Notifier
from relight.resources import account, alarm, bucket, key, log_group, recorder, trail, vpc
from relight.resources.kind import Kind
from relight.standard import Standard, load
from relight.survey import PARTS, SOURCE

# The source of the events that EventBridge Scheduler makes.
SCHEDULER = "aws.scheduler"
KINDS: tuple[Kind, ...] = (trail, vpc, bucket, key, recorder, alarm, account, log_group)
# So few that a family function is done well within its timeout.
BATCH = 50
# What a message lists of each part, so that it stays below SNS's 256 KB; the log has the whole.
LINES = 60
LENGTH = 300


def handler_for_sweep() -> Callable[[Any, Any], dict[str, Any]]:
    """The Lambda handler of the sweep. Raises InvalidSetting where a family's function is not set."""
    standard = load()
    if standard.families.keys() != {kind.KIND for kind in KINDS}:
        named = sorted(standard.families)
        raise InvalidSetting(
            f"environment variable RELIGHT_FAMILIES names {named}; allowed: {[kind.KIND for kind in KINDS]}"
        )
    aws = Aws(standard.account, standard.region)
    notifier = Notifier(aws, standard.topic)

    def handle(event: Any, _context: Any) -> dict[str, Any]:
        scheduled = isinstance(event, Mapping) and event.get("source") == SCHEDULER
        return sweep(aws, standard, notifier, full=not scheduled)

    return handle


def sweep(aws: Aws, standard: Standard, notifier: Notifier, *, full: bool) -> dict[str, Any]:
    """Surveys everything once; the reports of all batches added up. Raises RelightError where a part failed.

    Security is told where a baseline was kept, or something is weaker than its baseline and nobody may know; and with
    `full`, after a deployment or by hand, of all baselines in any case.
    """
    total: dict[str, Any] = {"looked_at": 0, **{part: {} for part in PARTS}}
    for kind in KINDS:
        for request in _requests(kind, aws.home, standard, total["failed"]):
            _add(total, _survey(aws.home, standard.families[kind.KIND], request, total["failed"]))
    telemetry.logger.info("swept", extra={"report": total})
    if full or total["kept"] or total["weaker"]:
        notifier.send(digest(total, standard.account, standard.region, full=full))
    if total["failed"]:
        raise RelightError("the sweep could not look at everything: " + json.dumps(total["failed"]))
    return total


def _requests(kind: Kind, place: Place, standard: Standard, failed: dict[str, str]) -> Iterator[dict[str, Any]]:
    try:
        names = kind.list_names(place)
    except RelightError as error:
        failed[f"list of {kind.KIND}s"] = str(error)
        return
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        yield {"source": SOURCE, "kind": kind.KIND, "account": standard.account, "region": place.region, "names": batch}


def _survey(place: Place, function: str, request: Mapping[str, Any], failed: dict[str, str]) -> Mapping[str, Any]:
    """A family function's report; empty where it failed, which is noted."""
    params = {
        "FunctionName": function,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(request).encode(),
    }
    try:
        answer = place.send(Call("lambda", "Invoke", params))
        report = json.loads(body(answer, "Payload"))
    except (RelightError, ValueError) as error:
        failed[f"{function} ({request['names'][0]} …)"] = str(error)
        return {}
    if answer.get("FunctionError") or not isinstance(report, dict):
        failed[f"{function} ({request['names'][0]} …)"] = str(report)
        return {}
    return report


def _add(total: dict[str, Any], report: Mapping[str, Any]) -> None:
    total["looked_at"] += report.get("looked_at", 0)
    for part in PARTS:
        total[part] |= report.get(part, {})


def digest(total: Mapping[str, Any], account: str, region: str, *, full: bool) -> Message:
    """What became baselines (all of them where `full`), and what is not as its baseline was, to look over. Pure."""
    kept, weaker = total["kept"], total["weaker"]
    severity = Severity.HIGH if weaker else Severity.LOW
    counts = [f"{len(weaker)} weaker than their baseline"] if weaker else []
    counts += [f"{len(kept)} new baseline{'' if len(kept) == 1 else 's'}"] if kept or not weaker else []
    where = f"account {account}, {region}"
    baselines = {arn: each for arn, each in total["baselines"].items() if full or arn in kept}
    lines = [
        f"Relight looked at {total['looked_at']} resources of {where}.",
        *_listed("WEAKER THAN THEIR BASELINE, and not repaired by the sweep", _joined(weaker)),
        *_listed("BASELINES: what Relight puts back from now on", {a: _described(b) for a, b in baselines.items()}),
        *_listed("NOT AS THE STANDARD DEMANDS", _joined(total["drifted"])),
        *_listed("EXEMPT, by standard.toml", _joined(total["exempt"])),
        *_listed("OUT OF REACH", total["out_of_reach"]),
        *_listed("COULD NOT BE LOOKED AT", total["failed"]),
        "",
        "WHAT TO DO",
        "  Look over the baselines once: what is wrong in them may be an attack that came before Relight did.",
        "  What is weaker than its baseline was changed with no event told: CloudTrail's Event history knows by whom.",
    ]
    return Message(
        subject=subject_line(f"[{severity}] Relight's sweep: {' and '.join(counts)} in {where}"),
        text="\n".join(lines) + "\n",
        data={"version": 1, "sweep": {name: _first(part) for name, part in {**total, "baselines": baselines}.items()}},
        attributes={"severity": severity, "account": account, "region": region, "outcome": "swept"},
    )


def _described(baseline: Mapping[str, Any]) -> str:
    """The controls that it meets, and its values, so that a wrong one can be seen."""
    values = {name: value for name, value in baseline["state"].items() if value and name not in ("account", "region")}
    return f"{', '.join(baseline['controls'])} ({shown(values)})"


def _joined(rows: Mapping[str, list[str]]) -> dict[str, str]:
    return {arn: ", ".join(texts) for arn, texts in rows.items()}


def _first(part: Any) -> Any:
    """At most LINES of a mapping; of what is long (a bucket's policy may be of 20 KB), the beginning of its JSON."""
    if not isinstance(part, Mapping):
        return part
    first = ((name, value, json.dumps(value, default=str)) for name, value in list(part.items())[:LINES])
    return {name[:LENGTH]: value if len(data) <= LENGTH else data[:LENGTH] for name, value, data in first}


def _listed(title: str, rows: Mapping[str, str]) -> list[str]:
    if not rows:
        return []
    shown = [f"  {clean(name)}: {clean(text)}" for name, text in list(rows.items())[:LINES]]
    more = [f"  … and {len(rows) - LINES} more: see the function's log"] if len(rows) > LINES else []
    return ["", title, *shown, *more]
