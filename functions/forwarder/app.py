"""A hub's forwarder: the rules in other accounts and Regions that send it their events are on, and lead to it."""

from relight.handler import handler_for
from relight.resources import forwarder

handler = handler_for(forwarder)  # reads the settings and makes the clients, once for each execution environment
