"""What several kinds look at to learn what matters to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place


def trails(place: Place) -> list[Mapping[str, Any]]:
    """The trails that can be seen from a Region, those of other Regions and of the organisation too. Raises AwsError.

    As DescribeTrails shows them with their shadows.
    """
    return list((place.read("cloudtrail", "DescribeTrails", includeShadowTrails=True) or {})["trailList"])
