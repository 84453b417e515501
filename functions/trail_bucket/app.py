"""Buckets that trails deliver to: their access logging stays on."""

from relight.handler import handler_for
from relight.resources import bucket

handler = handler_for(bucket)  # reads the settings and makes the clients, once for each execution environment
