"""Lists the Region's trails, VPCs and buckets, has the family functions look at them, and tells what became a baseline.

It holds no write permission, and reads no configuration itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relight import telemetry
from relight.aws import Aws, Place
from relight.errors import InvalidSetting, RelightError
from relight.model import Call
from relight.notify import Message, Notifier, clean, subject_line
from relight.standard import Standard, load
from relight.survey import SOURCE

# So few that a family function is done well within its timeout.
BATCH = 50
LINES = 200


def handler_for_sweep() -> Callable[[Any, Any], dict[str, Any]]:
    """The Lambda handler of the sweep. Raises InvalidSetting where a family's function is not set."""
    standard = load()
    if standard.families.keys() != LISTS.keys():
        raise InvalidSetting(
            f"environment variable RELIGHT_FAMILIES names {sorted(standard.families)}, not {sorted(LISTS)}"
        )
    aws = Aws(standard.account, standard.region)
    notifier = Notifier(aws, standard.topic)

    def handle(_event: Any, _context: Any) -> dict[str, Any]:
        return sweep(aws, standard, notifier)

    return handle


def sweep(aws: Aws, standard: Standard, notifier: Notifier) -> dict[str, Any]:
    """Surveys everything once; the reports of all batches added up. Raises RelightError where a part failed."""
    total: dict[str, Any] = {"looked_at": 0, "kept": {}, "drifted": {}, "out_of_reach": {}, "failed": {}}
    for kind, list_names in LISTS.items():
        for request in _requests(kind, list_names, aws.home, standard, total["failed"]):
            _add(total, _survey(aws.home, standard.families[kind], request, total["failed"]))
    telemetry.logger.info("swept", extra={"report": total})
    if total["kept"]:
        notifier.send(digest(total, standard.account, standard.region))
    if total["failed"]:
        raise RelightError("the sweep could not look at everything: " + json.dumps(total["failed"]))
    return total


def _trails(place: Place, _account: str) -> list[str]:
    # Home trails only: the others are swept in their own Region.
    answer = place.read("cloudtrail", "DescribeTrails", includeShadowTrails=False) or {}
    return [trail["TrailARN"] for trail in answer["trailList"]]


def _vpcs(place: Place, account: str) -> list[str]:
    own = [{"Name": "owner-id", "Values": [account]}]
    return [vpc["VpcId"] for vpc in place.pages("ec2", "DescribeVpcs", "Vpcs", Filters=own)]


def _buckets(place: Place, _account: str) -> list[str]:
    listed = place.pages("s3", "ListBuckets", "Buckets", BucketRegion=place.region, PaginationConfig={"PageSize": 1000})
    return [bucket["Name"] for bucket in listed]


LISTS: Mapping[str, Callable[[Place, str], list[str]]] = {"trail": _trails, "vpc": _vpcs, "bucket": _buckets}


def _requests(
    kind: str,
    list_names: Callable[[Place, str], list[str]],
    place: Place,
    standard: Standard,
    failed: dict[str, str],
) -> Iterator[dict[str, Any]]:
    try:
        names = list_names(place, standard.account)
    except RelightError as error:
        failed[f"list of {kind}s"] = str(error)
        return
    for start in range(0, len(names), BATCH):
        yield {
            "source": SOURCE,
            "account": standard.account,
            "region": place.region,
            "names": names[start : start + BATCH],
        }


def _survey(place: Place, function: str, request: Mapping[str, Any], failed: dict[str, str]) -> Mapping[str, Any]:
    """A family function's report; empty where it failed, which is noted."""
    params = {
        "FunctionName": function,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(request).encode(),
    }
    try:
        answer = place.send(Call("lambda", "Invoke", params))
        report = json.loads(answer["Payload"].read())
    except (RelightError, ValueError) as error:
        failed[f"{function} ({request['names'][0]} …)"] = str(error)
        return {}
    if answer.get("FunctionError") or not isinstance(report, dict):
        failed[f"{function} ({request['names'][0]} …)"] = str(report)
        return {}
    return report


def _add(total: dict[str, Any], report: Mapping[str, Any]) -> None:
    total["looked_at"] += report.get("looked_at", 0)
    for part in ("kept", "drifted", "out_of_reach", "failed"):
        total[part] |= report.get(part, {})


def digest(total: Mapping[str, Any], account: str, region: str) -> Message:
    """What the sweep took as baselines, for a person to look over. Pure."""
    kept: Mapping[str, list[str]] = total["kept"]
    met = {arn: controls for arn, controls in kept.items() if controls}
    lines = [
        f"Relight looked at {total['looked_at']} trails, VPCs and buckets of account {account}, Region {region}.",
        "",
        "From now on, what is listed here is what Relight puts back. Whatever of it is not as it should be may be an",
        "attack that came before Relight did: please look it over once.",
        *_listed("TAKEN AS BASELINES (ARN: controls met)", {a: ", ".join(c) for a, c in met.items()}),
        *_listed("NOT AS THE STANDARD DEMANDS", {a: ", ".join(c) for a, c in total["drifted"].items()}),
        *_listed("OUT OF REACH", total["out_of_reach"]),
        *_listed("COULD NOT BE LOOKED AT", total["failed"]),
    ]
    return Message(
        subject=subject_line(f"[LOW] Relight took {len(met)} baselines in account {account}, {region}"),
        text="\n".join(lines) + "\n",
        data={"version": 1, "sweep": {name: _first(part) for name, part in total.items()}},
        attributes={"severity": "LOW", "account": account, "region": region, "outcome": "baselines"},
    )


def _first(part: Any) -> Any:
    """At most LINES of a mapping: a message ends at 256 KB; the log has the whole."""
    return dict(list(part.items())[:LINES]) if isinstance(part, Mapping) else part


def _listed(title: str, rows: Mapping[str, str]) -> list[str]:
    if not rows:
        return []
    shown = [f"  {clean(name)}: {clean(text)}" for name, text in list(rows.items())[:LINES]]
    more = [f"  … and {len(rows) - LINES} more: see the function's log"] if len(rows) > LINES else []
    return ["", title, *shown, *more]
