"""AWS Config: its recorder runs, records what it recorded, and delivers where it delivered."""

from relight.handler import handler_for
from relight.resources import recorder

handler = handler_for(recorder)  # reads the settings and makes the clients, once for each execution environment
