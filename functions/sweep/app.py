"""The sweep: has all that the catalogue covers in the Region looked at and repaired, after a deployment and hourly."""

from relight.sweep import handler_for_sweep

handler = handler_for_sweep()
