"""The `relight` command."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from local.show import Screen

_STARTING = "Starting AWS on this machine: no account, no container, nothing leaves it"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="relight", prog_name="relight")
def main() -> None:
    """Relight turns AWS logging back on when somebody turns it off.

    demo, lab, faults and invoke run the real template on an AWS of its own, on this machine. The other commands are
    for operators of a deployed stack, and act with their credentials.
    """


@main.command()
def demo() -> None:
    """Five attacks on an account's logging, and how they are undone; then the whole catalogue of controls.

    Takes less than a minute. The exit status is 0 only if each attack was repaired and told exactly once, and each
    sabotage of the second act too, or told where nobody can repair it.
    """
    screen = Screen()
    screen.heading("Relight")
    with screen.step(_STARTING):
        from local import demo as command  # noqa: PLC0415 (takes seconds, which the line above explains)
    sys.exit(0 if command.run(screen) else 1)


@main.command()
@click.option("--port", default=4566, show_default=True, help="Where the AWS listens, on this machine only.")
def lab(port: int) -> None:
    """Keep that AWS open for your own AWS CLI.

    Every incident is shown as it is repaired. Ctrl-C ends it.

    \b
    Example:
      relight lab
      relight lab --port 5000
    """  # noqa: D301 (click reads the backspace)
    screen = Screen()
    screen.heading("Relight, the lab")
    with screen.step(_STARTING):
        from local import lab as command  # noqa: PLC0415 (as above)
    sys.exit(command.run(screen, port))


@main.command()
@click.argument("functions", nargs=-1)
def faults(functions: tuple[str, ...]) -> None:
    """Let every AWS call of every function fail in every way, and print what became of it.

    FUNCTIONS are folders of functions/; without any, all of them, which takes minutes. The exit status is 0 only if
    everything was repaired and told, or dead-lettered, and was as before once the event came again.

    \b
    Example:
      relight faults
      relight faults trail flow_logs
    """  # noqa: D301 (as above)
    screen = Screen()
    screen.heading("Relight, under faults")
    with screen.step(_STARTING):
        from local import faults as command  # noqa: PLC0415 (as above)
    sys.exit(command.show(screen, functions))


@main.command()
@click.argument("function")
@click.argument("event")
def invoke(function: str, event: str) -> None:
    """Run one function in a container, on a sample event.

    FUNCTION is a folder of functions/, EVENT a file of events/FUNCTION/ or any path. What the event reports is done
    first, so that there is something to repair. It needs Docker or Finch, the SAM CLI (SAM in the environment says
    where, if not on the path) and the built template; make invoke brings the latter two.

    \b
    Example:
      make invoke FUNCTION=trail EVENT=StopLogging
      SAM=~/.local/bin/sam relight invoke trail StopLogging.json
    """  # noqa: D301 (as above)
    screen = Screen()
    screen.heading(f"Relight, {function} on {Path(event).name}")
    with screen.step(_STARTING):
        from local import invoke as command  # noqa: PLC0415 (as above)
    sys.exit(command.run(screen, function, event, os.environ.get("SAM", "sam")))


def _of_a_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say which stack is meant, and hands it over as `deployment`'s arguments."""
    for option in (
        click.option("--endpoint-url", metavar="URL", help="Where AWS answers; the lab's, to try this out."),
        click.option("--region", metavar="REGION", help="The stack's Region; else the profile's or environment's."),
        click.option("--profile", metavar="NAME", help="Whose credentials to use; else the environment's."),
        click.option("--stack", metavar="NAME", default="relight", show_default=True, help="The stack's name."),
    ):
        command = option(command)
    return command


@main.command()
@click.option("--dry-run", is_flag=True, help="List what there is, and send nothing.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Send only the N oldest letters.")
@_of_a_stack
def redrive(*, dry_run: bool, limit: int | None, **stack: Any) -> None:
    """Send again what ended in a dead-letter queue, once its cause is mended.

    Reads the letters of EventBridge, EventBridge Scheduler, Lambda and the delay queues, and sends each to the function
    or queue that it was meant for, the oldest first. A letter is deleted only when AWS has accepted it again. What is
    not understood stays where it is and is named. Nothing is repaired or told twice, however often this runs.

    It needs cloudformation:DescribeStacks; sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility and SendMessage
    on the stack's queues; and lambda:InvokeFunction on its functions.

    The exit status is 0 if all were sent or none was there, 1 if something stays, 2 if a queue could not be read.

    \b
    Example:
      relight redrive --dry-run
      relight redrive --profile security --region eu-central-1
      relight redrive --endpoint-url http://localhost:4566
    """  # noqa: D301 (click reads the backspace)
    from local.operate import deployment  # noqa: PLC0415 (boto3 takes a moment, and --help need not wait)
    from local.operate import redrive as command  # noqa: PLC0415 (as above)

    screen = Screen()
    try:
        sys.exit(command.run(deployment.find(**stack), screen, dry_run=dry_run, limit=limit))
    except deployment.OperatorError as error:
        click.echo(f"relight redrive: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
