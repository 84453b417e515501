"""The guard's own rules, schedule and functions: whoever switches the guard off meets this one first."""

from relight.guard import handler_for_guard

handler = handler_for_guard()  # reads the settings and makes the clients, once for each execution environment
