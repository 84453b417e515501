"""An organisation: the account where Relight is deployed is its hub, and others forward to it what happens to them."""

from dataclasses import dataclass
from typing import Any
from unittest import mock

from moto.organizations import utils

from local import account, stack
from local.account import Account
from local.cloud import LocalAws
from local.place import Place
from local.settings import PARTITION
from local.stack import Stack

MEMBER_ROLE = "relight-member"  # as hub and forwarders name it where nobody says otherwise
PATIENCE = 300.0  # seconds, for a sweep of all accounts and Regions


@dataclass(frozen=True)
class Organisation:
    """Its id, and the local AWS that it is in; the account where Relight is deployed manages it."""

    aws: LocalAws
    id: str

    def join(self, account_id: str) -> None:
        """Creates an account of that id."""
        with mock.patch.object(utils, "make_random_account_id", return_value=account_id):
            self.aws.client("organizations").create_account(AccountName=account_id, Email=f"{account_id}@example.com")

    def deploy_hub(self, mode: str = "enforce") -> Stack:
        """With one bucket for the flow logs of all: a role that delivers them is of no use in another account."""
        return self.aws.deploy(OrganizationId=self.id, Mode=mode, FlowLogsDestination=self._flow_logs_bucket())

    def build(self, place: Place) -> Account:
        """An account that logs as it should, which the hub hears of once it does: so it keeps that as the baseline."""
        held: list[dict[str, Any]] = []
        self.aws.held = held
        victim = account.build(place)
        self.aws.held = None
        for event in held:
            self.aws.post(event)
        self.aws.settle(PATIENCE)
        return victim

    def _flow_logs_bucket(self) -> str:
        name = f"example-flow-logs-{self.id}"
        arn = f"arn:{PARTITION}:s3:::{name}"
        deliver = {
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"StringEquals": {"aws:SourceOrgID": self.id}},
        }
        account.create_bucket(self.aws.client("s3"), name, deliver)
        return arn

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
