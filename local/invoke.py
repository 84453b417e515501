"""`relight invoke`: one function in Lambda's own container, on a sample event, against the local AWS."""

import json

from local import account, container, facts, sabotage, samples
from local.account import Account
from local.cloud import LocalAws
from local.container import ContainerError, Reachable
from local.facts import Fact
from local.samples import NoSampleError, Sample
from local.show import Screen


def run(screen: Screen, family: str, event: str, sam: str) -> int:
    """Breaks what the event reports, runs the function on it, shows what changed; the exit status."""
    try:
        sample = samples.read(family, event)
        reach = container.reachable(container.engine())
        with reach.aws:
            return _run(screen, reach, sample, sam)
    except (NoSampleError, ContainerError) as error:
        screen.line(str(error), "bold red")
        return 2


def _run(screen: Screen, reach: Reachable, sample: Sample, sam: str) -> int:
    aws = reach.aws
    with screen.step("Building an account that logs as it should, and deploying template.yaml"):
        victim = account.build(aws)
        sabotage.furnish(aws, victim)
        stack = aws.deploy()
        function, sample = stack.functions[sample.family], samples.named_as_in(stack, sample)
        if not sample.is_first_look:
            aws.announce()
            aws.settle()
        before = _read(aws, victim, sample)
        aws.forget()
        aws.delivers = False  # from here on only the container acts
        samples.commit(aws, sample, victim)
    screen.heading("Before: what the event reports has happened")
    screen.proof(facts.compare(_read(aws, victim, sample), before))
    screen.heading(f"sam local invoke {function.logical_id} -e {sample.path.name}")
    result = container.invoke(reach, function, sample.event, sam)
    answer = result.stdout.strip()
    failed = result.returncode != 0 or _is_error(answer)
    screen.verdict(f"The function answered: {answer or 'nothing'}", good=not failed)
    for notification in aws.notifications:
        screen.line(f"Told: {notification.subject}")
    screen.heading("After: read back from AWS")
    screen.proof(facts.compare(_read(aws, victim, sample), before))
    return 1 if failed else 0


def _read(aws: LocalAws, victim: Account, sample: Sample) -> list[Fact]:
    """What AWS says of that which the event is about."""
    each = samples.sabotage_of(sample)
    if each is None:
        return facts.read(aws, victim)
    shown = each.proof(aws, victim)
    rows = shown if isinstance(shown, list) else [shown]
    return [(each.control, str(number), json.dumps(row, default=str)) for number, row in enumerate(rows, start=1)]


def _is_error(answer: str) -> bool:
    """The function raised, or named messages of its batch that must come again."""
    try:
        result = json.loads(answer)
    except ValueError:
        return False
    return isinstance(result, dict) and bool("errorType" in result or result.get("batchItemFailures"))
