"""`relight redrive`: what ended in a dead-letter queue is sent again, once what made it fail is mended.

SQS's own StartMessageMoveTask moves only what SQS dead-lettered: neither EventBridge's letters nor Lambda's.
A letter is deleted only when AWS has accepted it again. Should it be sent twice all the same, the functions do
nothing twice: they repair by state, and tell by event id.
"""

from __future__ import annotations

from collections.abc import Iterable

from local.operate.deployment import Deployment, OperatorError
from local.operate.letters import Ends, Letter, read
from local.show import Screen
from relight.aws import Place
from relight.errors import AwsError
from relight.model import Call

QUEUES = ("UndeliveredQueueUrl", "FailureQueueUrl", "DelayedFailureQueueUrl")
# Seconds. Long enough for a backlog of thousands; what stays is given back at once.
HOLD = 3600
# Seconds. Long polling asks all of SQS's servers: an empty answer means an empty queue.
WAIT = 1
# Lambda's answer to an asynchronous invocation that it took.
ACCEPTED = 202
REDRIVEN, STAYED = 0, 1


def run(deployment: Deployment, screen: Screen, *, dry_run: bool, limit: int | None) -> int:
    """Sends every letter again, the oldest first; the exit status. Raises OperatorError where a queue is unreadable."""
    place = deployment.aws.home
    held: dict[str, Letter] = {}
    try:
        _collect(deployment, held)
        return _each(place, deployment, screen, held, 0 if dry_run else limit, dry_run=dry_run)
    finally:
        _give_back(place, screen, held.values())


def _collect(deployment: Deployment, held: dict[str, Letter]) -> None:
    """Takes all letters of all queues, each once however often SQS hands it over."""
    place = deployment.aws.home
    ends = Ends.of(place.account, place.region, deployment.ending("FunctionName"), deployment.ending("DelayQueueUrl"))
    for url in [deployment.output(name) for name in QUEUES]:
        request = Call(
            "sqs",
            "ReceiveMessage",
            {
                "QueueUrl": url,
                "MaxNumberOfMessages": 10,
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
                "VisibilityTimeout": HOLD,
                "WaitTimeSeconds": WAIT,
            },
        )
        try:
            while messages := place.send(request).get("Messages"):
                held |= {message["MessageId"]: read(url, message, ends) for message in messages}
        except AwsError as error:
            raise OperatorError(f"queue {url} could not be read: {error}") from error


def _each(
    place: Place, deployment: Deployment, screen: Screen, held: dict[str, Letter], limit: int | None, *, dry_run: bool
) -> int:
    letters = sorted(held.values(), key=lambda letter: letter.moment)
    good = [letter for letter in letters if not letter.trouble]
    for letter in letters:
        if letter.trouble:
            _say(screen, "✗", letter, f"stays in {_name(letter.queue)}: {letter.trouble} ({letter.id})")
    chosen = good if limit is None else good[:limit]
    if dry_run:
        for letter in good:
            _say(screen, " ", letter, f"would go to {letter.to}")
    for number, letter in enumerate(chosen, 1):
        trouble = _again(place, deployment, letter)
        if trouble:
            _say(screen, "✗", letter, f"stays in {_name(letter.queue)}: {trouble} ({letter.id})")
        else:
            del held[letter.id]
            _say(screen, "✓", letter, f"to {letter.to} ({number} of {len(chosen)})")
    screen.verdict(_verdict(len(letters), len(held), dry_run=dry_run), good=not held)
    return STAYED if held else REDRIVEN


def _verdict(found: int, stayed: int, *, dry_run: bool) -> str:
    if not found:
        return "No dead letters."
    if dry_run:
        return f"{found} dead letter{'s' if found > 1 else ''}; nothing was sent, for this was a dry run."
    return f"{found - stayed} of {found} redriven" + (f", {stayed} stayed." if stayed else ".")


def _again(place: Place, deployment: Deployment, letter: Letter) -> str:
    """Sends a letter where it belongs and deletes it; why not, where that failed."""
    try:
        answer = place.send(_sending(deployment, letter))
        if answer.get("StatusCode", ACCEPTED) != ACCEPTED:
            return f"lambda:Invoke answered {answer['StatusCode']}"
    except AwsError as error:
        return str(error)
    try:
        place.send(Call("sqs", "DeleteMessage", {"QueueUrl": letter.queue, "ReceiptHandle": letter.receipt}))
    except AwsError as error:
        return f"it was sent, but {error}; sending it again does no harm"
    return ""


def _sending(deployment: Deployment, letter: Letter) -> Call:
    for url in deployment.ending("DelayQueueUrl"):
        if _name(url) == letter.to:  # without delay: it has been waiting long enough
            return Call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": letter.payload, "DelaySeconds": 0})
    params = {"FunctionName": letter.to, "InvocationType": "Event", "Payload": letter.payload.encode()}
    return Call("lambda", "Invoke", params)


def _give_back(place: Place, screen: Screen, letters: Iterable[Letter]) -> None:
    """Shows again what stays, so that nobody waits an hour for it."""
    for letter in letters:
        receipt = {"QueueUrl": letter.queue, "ReceiptHandle": letter.receipt}
        try:
            place.send(Call("sqs", "ChangeMessageVisibility", {**receipt, "VisibilityTimeout": 0}))
        except AwsError as error:
            screen.line(f"{letter.id} stays, hidden for up to {HOLD // 60} minutes: {error}")


def _say(screen: Screen, mark: str, letter: Letter, text: str) -> None:
    screen.line(f"  {mark} {letter.moment:%Y-%m-%d %H:%M:%SZ}  {letter.title}  {text}")


def _name(url: str) -> str:
    return url.rpartition("/")[2]
