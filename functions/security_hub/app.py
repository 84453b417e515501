"""Security Hub: what is told becomes findings there, if the stack's parameter SecurityHub says so."""

from relight.security_hub import handler_for_security_hub

handler = handler_for_security_hub()  # reads the settings and makes the clients, once for each execution environment
