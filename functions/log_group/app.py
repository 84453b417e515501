"""Log groups that trails and flow logs write to: they are there, and keep what they hold for long enough."""

from relight.handler import handler_for
from relight.resources import log_group

handler = handler_for(log_group)  # reads the settings and makes the clients, once for each execution environment
