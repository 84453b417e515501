"""An organisation: the account where Relight is deployed is its hub, and others forward to it what happens to them."""

from dataclasses import dataclass
from unittest import mock

from moto.organizations import utils

from local import stack
from local.cloud import LocalAws
from local.place import Place
from local.stack import Stack

MEMBER_ROLE = "relight-member"  # as hub and forwarders name it where nobody says otherwise
PATIENCE = 300.0  # seconds, for a sweep of all accounts and Regions


@dataclass(frozen=True)
class Organisation:
    """Its id, and the local AWS that it is in; the account where Relight is deployed manages it."""

    aws: LocalAws
    id: str

    def join(self, account: str) -> None:
        """Creates an account of that id."""
        with mock.patch.object(utils, "make_random_account_id", return_value=account):
            self.aws.client("organizations").create_account(AccountName=account, Email=f"{account}@example.com")

    def deploy_hub(self, mode: str = "enforce") -> Stack:
        return self.aws.deploy(OrganizationId=self.id, Mode=mode)

    def deploy_forwarder(self, *places: Place) -> None:
        """To each of these places; where Relight is deployed is the Region whose stacks make the members' roles."""
        for place in places:
            stack.forward(
                place,
                HubBusArn=self.aws.stack.outputs["HubBusArn"],
                OrganizationId=self.id,
                HubAccount=self.aws.account,
                RoleRegion=self.aws.region,
            )


def create(aws: LocalAws) -> Organisation:
    """An organisation with one account: that in which Relight is deployed."""
    made = aws.client("organizations").create_organization(FeatureSet="ALL")["Organization"]
    return Organisation(aws, made["Id"])
