"""The sweep: has all that the catalogue covers in the Region looked at, after a deployment and daily."""

from relight.sweep import handler_for_sweep

handler = handler_for_sweep()
