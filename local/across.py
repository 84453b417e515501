"""`relight demo --organisation`: the five attacks in a member account and another Region, undone from the hub."""

from local import account, attacks, demo, facts, organisation
from local.cloud import LocalAws
from local.demo import Told
from local.organisation import MEMBER_ROLE
from local.place import Place
from local.settings import ACCOUNT, MEMBER, MEMBER_REGION, REGION
from local.show import Screen


def run(screen: Screen) -> bool:
    """Runs it all; true only if each attack was repaired in the member, and told exactly once, as the member's."""
    with LocalAws() as aws:
        with screen.step(f"An organisation: the hub's account {ACCOUNT}, and a member, {MEMBER}"):
            organised = organisation.create(aws)
            organised.join(MEMBER)
        with screen.step(f"The hub: template.yaml in {ACCOUNT}, {REGION}"):
            organised.deploy_hub()
        with screen.step(f"The forwarder, a stack without code, in {MEMBER}: docs/forwarder.yaml"):
            member = aws.at(MEMBER, MEMBER_REGION)
            organised.deploy_forwarder(aws.at(MEMBER, REGION), member)
        with screen.step("The hub's sweep and guards look at what there is"):
            aws.announce()
            aws.settle(organisation.PATIENCE)
        with screen.step(f"The member sets up its logging in {MEMBER_REGION}, of which the hub keeps the baseline"):
            victim = organised.build(member)
        before = facts.read(member, victim)
        aws.forget()

        who = f"{account.INTRUDER} has an access key of account {MEMBER}, where no code of Relight's runs."
        screen.heading(f"{who} Five calls in {MEMBER_REGION}:")
        told = [_commit(screen, aws, member, *each) for each in enumerate(attacks.five(victim), start=1)]
        demo.show_email(screen, told)
        as_before = demo.show_proof(screen, member, victim, before)
        theirs = all(_is_the_members(each) for each in told)
        return demo.verdict(screen, told, len(aws.notifications), as_before and theirs)


def _commit(screen: Screen, aws: LocalAws, member: Place, number: int, attack: attacks.Attack) -> Told:
    """And who repaired it: sessions of the hub's functions in the member's role."""
    seen = len(aws.records)
    told = demo.commit(screen, aws, member, number, attack)
    for record in aws.records[seen:]:
        _, _, session = record["userIdentity"]["arn"].partition(":assumed-role/")
        if session.startswith(f"{MEMBER_ROLE}/"):
            screen.act(session, record["eventName"], f"{record['recipientAccountId']}, {record['awsRegion']}")
    screen.line()
    return told


def _is_the_members(told: Told) -> bool:
    where = {(each.attributes.get("account"), each.attributes.get("region")) for each in told.notifications}
    return where == {(MEMBER, MEMBER_REGION)}
