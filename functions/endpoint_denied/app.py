"""VPC endpoints: whoever is denied at one is told, for it may be data on its way to a stranger's account."""

from relight.denied import handler_for_denials

handler = handler_for_denials()  # reads the settings and makes the clients, once for each execution environment
