"""The `relight` command."""

import os
import sys
from pathlib import Path

import click

from local.show import Screen

_STARTING = "Starting AWS on this machine: no account, no container, nothing leaves it"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="relight", prog_name="relight")
def main() -> None:
    """Relight turns AWS logging back on when somebody turns it off.

    These commands run the real template on an AWS of its own, on this machine.
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


if __name__ == "__main__":
    main()
