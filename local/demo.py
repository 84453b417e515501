"""`relight demo`: five attacks on an account's logging, and what became of them."""

from dataclasses import dataclass, field

from local import account, attacks, facts
from local.account import Account
from local.attacks import Attack
from local.cloud import LocalAws
from local.facts import Fact
from local.inbox import Notification
from local.settings import ALERT_EMAIL
from local.show import Screen


@dataclass
class Told:
    """An attack, and what security heard of it."""

    attack: Attack
    notifications: list[Notification] = field(default_factory=list)

    @property
    def undone(self) -> bool:
        return len(self.notifications) == 1 and self.notifications[0].outcome == "repaired"


def run(screen: Screen) -> bool:
    """Runs it all; true only if every attack was repaired and told exactly once."""
    with LocalAws() as aws:
        with screen.step("Building an account that logs as it should: a trail, its bucket and key, two VPCs"):
            victim = account.build(aws)
        with screen.step("Deploying template.yaml"):
            stack = aws.deploy()
        with screen.step("The sweep looks at everything and keeps it as the baseline"):
            aws.announce()
            aws.settle()
        before = facts.read(aws, victim)
        aws.forget()
        screen.line(
            f"    {len(stack.resources)} resources, {len(stack.functions)} functions, all in this process", "dim"
        )

        screen.heading(f"{account.INTRUDER} has an access key. Five calls, as any client makes them:")
        told = [_commit(screen, aws, number, attack) for number, attack in enumerate(attacks.five(victim), start=1)]
        _show_email(screen, told)
        as_before = _show_proof(screen, aws, victim, before)
        return _verdict(screen, told, len(aws.notifications), as_before)


def _commit(screen: Screen, aws: LocalAws, number: int, attack: Attack) -> Told:
    intruder = aws.actor(account.INTRUDER, account.INTRUDER_ADDRESS)
    screen.attack(number, attack)
    heard, seen = len(aws.notifications), len(aws.invocations)
    attack.commit(intruder.client(attack.service))
    with screen.busy("Relight is at work"):
        aws.settle()
    told = Told(attack, aws.notifications[heard:])
    for notification in told.notifications:
        screen.incident(notification)
    for invocation in aws.invocations[seen:]:
        if invocation.error:
            screen.failure(invocation)
    if not told.notifications:
        screen.line("    Nobody was told of it.", "bold red")
    screen.line()
    return told


def _show_email(screen: Screen, told: list[Told]) -> None:
    """The richest of the messages: the one with the most to say."""
    notifications = [notification for one in told for notification in one.notifications]
    if notifications:
        screen.heading("One of the messages, as the e-mail shows it:")
        screen.email(max(notifications, key=lambda message: len(message.data.get("findings", ()))), ALERT_EMAIL)


def _show_proof(screen: Screen, aws: LocalAws, victim: Account, before: list[Fact]) -> bool:
    """What was true before the attacks must be true again, and the intruder's VPC must have its flow log too."""
    screen.heading("The proof, read back from AWS:")
    rows = facts.compare(facts.read(aws, victim), before)
    screen.proof(rows)
    return all(good for *_, good in rows)


def _verdict(screen: Screen, told: list[Told], messages: int, as_before: bool) -> bool:  # noqa: FBT001
    undone = sum(one.undone for one in told)
    good = undone == len(told) == messages and as_before
    summary = (
        f"{undone} of {len(told)} repaired and told once each, in {messages} messages; {screen.seconds:.1f} s in all."
    )
    screen.verdict(summary if good else f"Not as it should be: {summary}", good=good)
    if good:
        screen.line("Now try it yourself: make lab keeps this AWS open for your own commands.", "dim")
    return good
