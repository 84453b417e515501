"""The shape that every module of this package has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Scope
from relight.record import Record
from relight.standard import Standard


class Kind(Protocol):
    """One kind of resource: where records point to, how it is read, how it is repaired."""

    KIND: str
    # eventNames that make a resource of this kind, as opposed to those that change one.
    CREATES: frozenset[str]

    def arn(self, partition: str, account: str, region: str, name: str) -> str:
        """The ARN of a resource; of an empty name, the prefix that all of the Region's have."""

    def locate(self, record: Record) -> Scope:
        """Which resources a record concerns. Pure. Raises MalformedRecord where it names none."""

    def observe(
        self, aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Any]], standard: Standard
    ) -> Iterable[Observed[Any]]:
        """The live state of the resources in a scope; those that are none of Relight's business are left out.

        `baselines` are by ARN. Raises AwsError where a read fails.
        """

    def taken(self, record: Record, baseline: Baseline[Any] | None, standard: Standard) -> Mapping[str, str]:
        """The controls that a record takes away from a resource in its scope, each with a note. Pure.

        ``KIND.baseline`` stands for what led elsewhere than the baseline. The note says what is not certain about it;
        empty: the record shows it.
        """

    def plan(
        self, observed: Observed[Any], drifts: tuple[Drift, ...], standard: Standard, baseline: Any
    ) -> tuple[Call, ...]:
        """The fewest calls that mend these drifts, in order. Pure.

        `baseline` is the last state kept, or None; where the resource is gone, it is all that is known of it.
        """

    def weaker(self, old: Any, new: Any, standard: Standard) -> tuple[Drift, ...]:
        """What a compliant state has given up since the baseline, or where it leads beside it. Pure."""

    def list_names(self, place: Place, standard: Standard) -> Iterable[str]:
        """The names of all resources whose home is a Region, for the sweep, page by page. Raises AwsError."""

    def revive(self, data: Mapping[str, Any]) -> Any:
        """A state from a baseline's plain data. Pure."""
