"""`relight lab`: the local AWS, kept open for the user's own commands."""

import signal
import threading

from local import account, attacks
from local.cloud import LocalAws
from local.gateway import AddressUnavailableError
from local.inbox import Notification
from local.settings import LOOPBACK, REGION
from local.show import Screen


def run(screen: Screen, port: int) -> int:
    """Serves until interrupted; the exit status."""
    try:
        aws = LocalAws(LOOPBACK, port)
    except AddressUnavailableError as error:
        screen.line(f"{error}. Choose another port: relight lab --port {port + 1}", "bold red")
        return 2
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    with aws:
        try:
            _serve(screen, aws)
        except KeyboardInterrupt:
            screen.line("\nThe lab is closed.")
    return 0


def _serve(screen: Screen, aws: LocalAws) -> None:
    with screen.step("Building an account that logs as it should, and deploying template.yaml"):
        victim = account.build(aws)
        aws.deploy()
        aws.announce()
        aws.settle()
    key, secret = aws.access_key(account.INTRUDER)
    screen.heading(f"Be {account.INTRUDER}: type this in another terminal")
    for name, value in (
        ("AWS_ENDPOINT_URL", aws.url),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ):
        screen.line(f"  export {name}={value}")
    screen.heading("and then, for example")
    for attack in attacks.five(victim)[:3]:
        screen.line(f"  {attack.command}")
    screen.heading("Ctrl-C ends it. What happens:")
    aws.on_notification = lambda notification: _show(screen, notification)
    aws.on_failure = screen.failure
    threading.Event().wait()


def _show(screen: Screen, notification: Notification) -> None:
    if "findings" in notification.data:
        screen.incident(notification)
    else:
        screen.line(f"    {notification.subject}")
    screen.line()
