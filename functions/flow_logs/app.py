"""VPC flow logs: a new VPC gets them, a deleted one comes back."""

from relight.handler import handler_for
from relight.resources import vpc

handler = handler_for(vpc)  # reads the settings and makes the clients, once for each execution environment
