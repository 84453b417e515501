"""Relight itself: its rules, functions, topic, queues, ledger, schedules, alarms and roles stay as deployed."""

from relight.guard import handler_for_guard

handler = handler_for_guard()  # reads the settings and makes the clients, once for each execution environment
