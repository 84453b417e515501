"""Fixtures for tests through the local AWS: one server for the session, a fresh account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """The server; `local_aws.calls` gathers what each function called in the whole session."""
    with LocalAws() as aws:
        yield aws


@pytest.fixture
def victim(local_aws: LocalAws) -> Iterator[Account]:
    """A fresh account that logs as it should: what it holds that is worth attacking."""
    local_aws.reset()
    yield account.build(local_aws)
    local_aws.reset()  # waits for what is still under way, so that nothing of it runs on into the next test


@pytest.fixture
def cloud(local_aws: LocalAws, victim: Account) -> LocalAws:  # noqa: ARG001 (the account is there first)
    """The stack in that account; the sweep has kept its baselines, and nobody has been told more."""
    local_aws.deploy()
    local_aws.announce()
    local_aws.settle()
    failed = [invocation.error for invocation in local_aws.invocations if invocation.error]
    assert not failed, "the sweep failed"
    local_aws.forget()
    return local_aws
