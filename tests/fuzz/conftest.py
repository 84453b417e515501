"""The fuzzers' settings: the same examples at each run, unless more are asked for.

FUZZ_EXAMPLES=5000 makes that many for each test and world, other ones each time; the failing one is printed with what
repeats it (``@reproduce_failure``).
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings

WANTED = os.environ.get("FUZZ_EXAMPLES", "")

settings.register_profile(
    "fuzz",
    max_examples=int(WANTED or 60),
    derandomize=not WANTED,
    deadline=timedelta(seconds=15),  # no example takes longer, whatever is in it and however busy the machine
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
