"""What holds of everything that Relight says, whatever it was told."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from relight.message import SUBJECT_LENGTH
from relight.model import Outcome, Severity
from tests.fuzz.world import Sent

# What may stand at the beginning of a line of a message.
TITLES = {
    "WHO",
    "FOUND AFTER THIS CALL, WHICH NEED NOT HAVE CAUSED IT",
    "WHAT",
    "SENT",
    "NOT SENT, FOR THE MODE IS OBSERVE",
    "WHAT AWS ANSWERED",
    "WHAT TO DO",
}
ROW = re.compile(
    r"  (Resource|Account|Severity|Actor|ARN|Role|Called|At|From|With|MFA|Access key|Invoked by|Event id) +\S"
)
# Control characters, line and paragraph separators, what turns the direction of text, lone surrogates.
DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: the message, its attributes included
LARGEST_MESSAGE = 256 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
LARGEST_ITEM = 400 * 1024


def is_sound_message(publish: Mapping[str, Any]) -> None:
    """Nobody can have put a line, a subject or an attribute into an incident's message."""
    subject = publish["Subject"]
    assert len(subject) <= SUBJECT_LENGTH
    assert all(" " <= char <= "~" for char in subject), "SNS refuses other characters"
    assert re.match(r"\[(LOW|MEDIUM|HIGH|CRITICAL)\] ", subject)

    renderings = json.loads(publish["Message"])
    assert renderings.keys() == {"default", "email", "sms"}
    data = json.loads(renderings["default"])
    attributes = publish["MessageAttributes"]
    assert not DANGEROUS.search(renderings["email"])
    if "findings" in data:  # else it is a digest, of what is there and not of what an event says
        _is_sound_text(renderings["email"])
        assert attributes["severity"]["StringValue"] == data["severity"] in set(Severity)
        assert attributes["outcome"]["StringValue"] == data["outcome"] in set(Outcome)
        named = json.loads(attributes["control"]["StringValue"])
        assert named == [finding["control"] for finding in data["findings"]]
    assert attributes.keys() <= {"severity", "control", "account", "region", "outcome"}
    for each in attributes.values():
        assert each["StringValue"], "SNS refuses an empty attribute"
        assert not DANGEROUS.search(each["StringValue"])
    size = len(publish["Message"].encode()) + sum(len(str(each).encode()) for each in attributes.items())
    assert size <= LARGEST_MESSAGE, f"SNS refuses {size} bytes"


def _is_sound_text(text: str) -> None:
    assert "://" not in text, "a link that an intruder may have written"
    first, *lines = text.split("\n")
    assert first.strip()
    assert first not in TITLES
    strange = [line for line in lines if line and line not in TITLES and not line.startswith("  ")]
    assert not strange, f"lines that Relight did not write: {strange}"
    titles = Counter(line for line in lines if line in TITLES)
    rows = Counter(found[1] for line in lines if (found := ROW.match(line)))
    assert not [title for title, times in titles.items() if times > 1]
    assert not [row for row, times in rows.items() if times > 1], rows


def is_sound_item(action: str, params: Mapping[str, Any]) -> None:
    """DynamoDB takes it: keys are not empty and short enough, the item is small enough."""
    size = len(json.dumps(params, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    assert size <= LARGEST_ITEM, f"{action}: DynamoDB refuses {size} bytes"
    key = params.get("Key") or params.get("Item") or {}
    for name, most in (("pk", 2048), ("sk", 1024)):
        if name in key:
            assert 0 < len(key[name]["S"].encode("utf-8", "surrogatepass")) <= most, f"{action}: {name} is too long"


def is_sound(sent: Sent) -> None:
    """Whatever is sent beside repairs."""
    if sent.action == "sns:Publish":
        is_sound_message(sent.params)
    if sent.action.startswith("dynamodb:"):
        is_sound_item(sent.action, sent.params)


def are_sound_lines(output: str) -> list[dict[str, Any]]:
    """What a function wrote: one JSON object a line, as CloudWatch Logs and its metrics need it."""
    assert not output or output.endswith("\n")
    assert output.isascii(), "what is shown may differ from what is there"
    lines = [json.loads(line) for line in output.split("\n")[:-1]]
    assert all(isinstance(line, dict) for line in lines)
    return lines
