"""The Region's monitoring: metric filters on the trails' log groups, and the alarms that tell somebody."""

from relight.handler import handler_for
from relight.resources import alarm

handler = handler_for(alarm)  # reads the settings and makes the clients, once for each execution environment
