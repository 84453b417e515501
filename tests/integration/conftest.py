"""Fixtures for tests through the local AWS: one server for the session, a fresh account for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar, cast

import pytest

from local import account, sabotage
from local.account import Account
from local.cloud import LocalAws, Remembered
from tests.integration import helpers


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """The server; `local_aws.calls` gathers what each function called in the whole session."""
    with LocalAws() as aws:
        yield aws


T = TypeVar("T")


class Fresh(Protocol):
    """Builds something by name, once."""

    def __call__(self, name: str, build: Callable[[], T]) -> T: ...


@pytest.fixture(scope="session")
def fresh(local_aws: LocalAws) -> Fresh:
    """An account by name: built when it is first wanted, and from then on recalled as it was then."""
    known: dict[str, tuple[Remembered, Any]] = {}

    def take(name: str, build: Callable[[], T]) -> T:
        if name not in known:
            built = build()
            known[name] = (local_aws.remember(), built)
        remembered, found = known[name]
        local_aws.recall(remembered)
        return cast("T", found)

    return take


@pytest.fixture
def victim(local_aws: LocalAws, fresh: Fresh) -> Iterator[Account]:
    """A fresh account that logs as it should: what it holds that is worth attacking."""

    def build() -> Account:
        local_aws.reset()
        return account.build(local_aws)

    yield fresh("account", build)
    local_aws.reset()  # waits for what is still under way, so that nothing of it runs on into the next test


@pytest.fixture
def cloud(local_aws: LocalAws, victim: Account, fresh: Fresh) -> LocalAws:
    """The stack in that account; the sweep has kept its baselines, and nobody has been told more."""

    def build() -> Account:
        local_aws.deploy()
        local_aws.announce(deaf=helpers.GUARDS)
        local_aws.settle()
        failed = [invocation.error for invocation in local_aws.invocations if invocation.error]
        assert not failed, "the sweep failed"
        return victim

    fresh("deployed", build)
    return local_aws


@pytest.fixture
def enforced(local_aws: LocalAws, fresh: Fresh) -> Iterator[Account]:
    """An account that has everything that the catalogue looks after, compliant, and Relight at work in it."""
    yield take_enforced(local_aws, fresh)
    local_aws.reset()


def take_enforced(aws: LocalAws, fresh: Fresh) -> Account:
    return fresh("enforced", lambda: _set_to_work(aws, "enforce"))


@pytest.fixture
def observed(local_aws: LocalAws, fresh: Fresh) -> Iterator[Account]:
    """The same, where Relight only tells."""
    yield fresh("observed", lambda: _set_to_work(local_aws, "observe"))
    local_aws.reset()


def _set_to_work(aws: LocalAws, mode: str) -> Account:
    aws.reset()
    victim = account.build(aws)
    sabotage.furnish(aws, victim)
    helpers.set_to_work(aws, mode=mode, guarded=True)
    return victim
