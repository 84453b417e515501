"""Buckets that trails deliver to: closed, encrypted, versioned, copied, logged; and the account's own switch."""

from relight.handler import handler_for
from relight.resources import account, bucket

handler = handler_for(bucket, account)  # reads the settings and makes the clients, once for each execution environment
