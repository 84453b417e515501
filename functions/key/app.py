"""KMS keys: they rotate, and those that trails and their buckets use stay usable."""

from relight.handler import handler_for
from relight.resources import key

handler = handler_for(key)  # reads the settings and makes the clients, once for each execution environment
