"""CloudTrail trails: they log, everywhere, whole, encrypted; StopLogging and UpdateTrail are undone."""

from relight.handler import handler_for
from relight.resources import trail

handler = handler_for(trail)  # reads the settings and makes the clients, once for each execution environment
