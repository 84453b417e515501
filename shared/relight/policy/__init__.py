"""What is compliant: a module a kind of resource, with its state and one small pure function a control.

Imports nothing but model, errors and standard. Importing this package registers every control.
"""

from relight.policy import (
    account,
    alarm,
    bucket,
    bucket_policy,
    delivery,
    endpoint,
    forwarder,
    guard,
    key,
    lifecycle,
    log_group,
    recorder,
    trail,
    trail_delivery,
    trail_events,
    vpc,
)
from relight.policy.control import (
    CONTROLS,
    Control,
    check_settings,
    concerning,
    controls_of,
    judge,
    judged_of,
    with_reports,
)

__all__ = [
    "CONTROLS",
    "Control",
    "account",
    "alarm",
    "bucket",
    "bucket_policy",
    "check_settings",
    "concerning",
    "controls_of",
    "delivery",
    "endpoint",
    "forwarder",
    "guard",
    "judge",
    "judged_of",
    "key",
    "lifecycle",
    "log_group",
    "recorder",
    "trail",
    "trail_delivery",
    "trail_events",
    "vpc",
    "with_reports",
]
