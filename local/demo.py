"""`relight demo`: five attacks on an account's logging, then the whole catalogue, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from local import account, attacks, facts, sabotage
from local.account import Account
from local.attacks import Attack
from local.cloud import LocalAws
from local.facts import Fact
from local.inbox import Notification
from local.place import Place
from local.sabotage import Sabotage
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
        with screen.step("Building an account that logs as it should: trail, bucket, key, VPCs, Config, alarms"):
            victim = account.build(aws)
            sabotage.furnish(aws, victim)
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
        told = []
        for number, each in enumerate(attacks.five(victim), start=1):
            told.append(commit(screen, aws, aws, number, each))
            screen.line()
        show_email(screen, told)
        as_before = show_proof(screen, aws, victim, before)
        first = verdict(screen, told, len(aws.notifications), as_before)
        second = _second_act(screen, aws, victim)
        if first and second:
            screen.line("Now try it yourself: make lab keeps this AWS open for your own commands.", "dim")
        return first and second


def commit(screen: Screen, aws: LocalAws, place: Place, number: int, attack: Attack) -> Told:
    """An attack on what is in a place, and what came of it, as it is shown."""
    intruder = place.actor(account.INTRUDER, account.INTRUDER_ADDRESS)
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
    return told


def show_email(screen: Screen, told: Sequence[Told]) -> None:
    """The richest of the messages: the one with the most to say."""
    notifications = [notification for one in told for notification in one.notifications]
    if notifications:
        screen.heading("One of the messages, as the e-mail shows it:")
        screen.email(max(notifications, key=lambda message: len(message.data.get("findings", ()))), ALERT_EMAIL)


def show_proof(screen: Screen, place: Place, victim: Account, before: list[Fact]) -> bool:
    """What was true before the attacks must be true again, and the intruder's VPC must have its flow log too."""
    screen.heading("The proof, read back from AWS:")
    rows = facts.compare(facts.read(place, victim), before)
    screen.proof(rows)
    return all(good for *_, good in rows)


def verdict(screen: Screen, told: Sequence[Told], messages: int, as_before: bool) -> bool:  # noqa: FBT001
    """The last line of the first act; true only if all is as it should be."""
    undone = sum(one.undone for one in told)
    good = undone == len(told) == messages and as_before
    summary = (
        f"{undone} of {len(told)} repaired and told once each, in {messages} messages; {screen.seconds:.1f} s in all."
    )
    screen.verdict(summary if good else f"Not as it should be: {summary}", good=good)
    return good


@dataclass(frozen=True)
class Played:
    """A sabotage, what security was told of its control, and whether AWS shows what it showed before."""

    sabotage: Sabotage
    outcomes: tuple[str, ...]
    as_before: bool

    @property
    def good(self) -> bool:
        """Told as it should be, of two calls the second perhaps as repaired already; and repaired, if it can be."""
        repaired = self.sabotage.outcome == "repaired"
        told = self.outcomes in ((self.sabotage.outcome,), (self.sabotage.outcome, "compliant"))
        return told and (self.as_before or not repaired)


def _second_act(screen: Screen, aws: LocalAws, victim: Account) -> bool:
    """Every sabotage of the catalogue; true only if each was undone, or told where it cannot be."""
    controls = len({each.control for each in sabotage.ALL})
    screen.heading(f"Second act: the whole catalogue, {controls} controls, {len(sabotage.ALL)} ways to break them.")
    start = screen.seconds
    with screen.busy("Breaking one thing after the other"):
        played = [_play(aws, victim, each, f"{account.INTRUDER}-{number}") for number, each in enumerate(sabotage.ALL)]
    screen.catalogue([(p.sabotage.control, p.sabotage.effect, ", ".join(p.outcomes), p.good) for p in played])
    good = all(each.good for each in played)
    repaired = sum(each.good and each.sabotage.outcome == "repaired" for each in played)
    told = sum(each.good for each in played) - repaired
    summary = f"{repaired} of {len(played)} repaired, {told} told, which nobody can repair"
    summary = f"{summary}; {screen.seconds - start:.1f} s."
    screen.verdict(summary if good else f"Not as it should be: {summary}", good=good)
    return good


def _play(aws: LocalAws, victim: Account, each: Sabotage, who: str) -> Played:
    """By somebody new each time: of one who does not give up, only the first attempts of an hour are told."""
    before, heard = each.proof(aws, victim), len(aws.notifications)
    try:
        each.commit(aws, aws.actor(who, account.INTRUDER_ADDRESS), victim)
    except ClientError:  # what it breaks is gone already, for an earlier sabotage was not undone
        return Played(each, ("nothing left to break",), as_before=False)
    aws.settle()
    outcomes = [
        finding["outcome"]
        for message in aws.notifications[heard:]
        for finding in message.data.get("findings", ())
        if finding["control"] == each.control
    ]
    return Played(each, tuple(dict.fromkeys(outcomes)), each.proof(aws, victim) == before)
