"""The `relight` command."""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from local.show import Screen

_LONGEST = 1000  # characters that are shown of an error
_STARTING = "Starting AWS on this machine: no account, no container, nothing leaves it"


# In the environment, 1 shows where an unexpected error comes from.
_TRACE = "RELIGHT_TRACE"
_FAILED = 2  # exit status; 1 is a command's answer


class _Commands(click.Group):
    """The commands; what nobody thought of ends them with one line, too, and with no status that is an answer."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own to end
        except Exception as error:  # noqa: BLE001 (whatever it is)
            _unexpected(f"relight {ctx.invoked_subcommand}", error)
            ctx.exit(_FAILED)


def _unexpected(command: str, error: Exception) -> None:
    from relight.plain import plain  # noqa: PLC0415 (--help need not wait)

    if os.environ.get(_TRACE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    said = f"unexpected {type(error).__name__}: {str(error)[:_LONGEST]}"
    click.echo(f"{command}: {plain(said)}; run it again with {_TRACE}=1 to see where, and report that", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="relight", prog_name="relight")
def main() -> None:
    """Relight turns AWS logging back on when somebody turns it off.

    demo, lab, faults, flood and invoke run the real template on an AWS of its own, on this machine; simulate is a model
    without any. check, cost and whois look at any account, whether Relight is deployed there or not; redrive, accept
    and forget are for operators of a deployed stack. All of these act with your credentials.

    What goes wrong is said in one line, and the exit status is 2. With RELIGHT_TRACE=1 in the environment, an error
    that nobody thought of shows where it comes from.
    """


@main.command()
@click.option("--organisation", is_flag=True, help="Attack a member account in another Region, which a hub repairs.")
def demo(*, organisation: bool) -> None:
    """Five attacks on an account's logging, and how they are undone; then the whole catalogue of controls.

    Takes less than a minute. The exit status is 0 only if each attack was repaired and told exactly once, and each
    sabotage of the second act too, or told where nobody can repair it. With --organisation there is no second act.

    \b
    Example:
      relight demo
      relight demo --organisation
    """  # noqa: D301 (click reads the backspace)
    screen = Screen()
    screen.heading("Relight, the hub of an organisation" if organisation else "Relight")
    with screen.step(_STARTING):
        from local import across  # noqa: PLC0415 (takes seconds, which the line above explains)
        from local import demo as alone  # noqa: PLC0415 (as above)
    sys.exit(0 if (across if organisation else alone).run(screen) else 1)


@main.command()
@click.option("--port", default=4566, show_default=True, help="Where the AWS listens, on this machine only.")
def lab(port: int) -> None:
    """Keep that AWS open for your own AWS CLI.

    Every incident is shown as it is repaired. Ctrl-C ends it.

    \b
    Example:
      relight lab
      relight lab --port 5000
    """  # noqa: D301 (as above)
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
@click.option("--events", default=1000, show_default=True, help="How many a minute.", type=click.IntRange(1))
def flood(events: int) -> None:
    """Show what an intruder achieves who repeats an attack without end: load, quotas, messages, cost.

    Each of the demo's five attacks is repeated on the local AWS; what one event takes is counted there, and the rest is
    arithmetic. The exit status is 0 only if every attack was repaired.

    \b
    Example:
      relight flood
      relight flood --events 100
    """  # noqa: D301 (as above)
    screen = Screen()
    screen.heading("Relight, flooded")
    with screen.step(_STARTING):
        from local import flood as command  # noqa: PLC0415 (as above)
    sys.exit(command.show(screen, events))


@main.command()
@click.option("--accounts", default=1000, show_default=True, help="How many there are.", type=click.IntRange(1))
@click.option("--regions", default=17, show_default=True, help="How many each has enabled.", type=click.IntRange(1))
@click.option(
    "--concurrency", default=1000, show_default=True, help="Executions at once in the hub.", type=click.IntRange(1)
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same figures.")
def simulate(accounts: int, regions: int, concurrency: int, seed: int) -> None:
    """Work out how an organisation's hub would bear a day of drift, and an attack on all accounts at once.

    A model of AWS's quotas, prices and delays, without any AWS: see docs/organisation.md. It takes half a minute for
    1,000 accounts. The exit status is 0 only if every execution ends before the functions' timeout.

    \b
    Example:
      relight simulate
      relight simulate --accounts 100 --concurrency 200
    """  # noqa: D301 (as above)
    from local import simulate as command  # noqa: PLC0415 (as above)

    screen = Screen()
    screen.heading("Relight, in an organisation")
    sys.exit(command.show(screen, command.Organisation(accounts, regions, concurrency), seed))


def _controls(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from relight.policy import CONTROLS  # noqa: PLC0415 (only a shell that completes needs it)

    return [name for name in CONTROLS if name.startswith(begun)]


@main.command()
@click.argument("control", required=False, shell_complete=_controls)
def explain(control: str | None) -> None:
    """Say what CONTROL checks, why, what repairs it, what that costs, and what Relight may do for it.

    All of it is read from the code and the template. What was taken away, never was there or was just made is repaired
    where it says enforce, and only told where it says observe. Without CONTROL, lists them all.

    \b
    Example:
      relight explain
      relight explain trail.logging
    """  # noqa: D301 (as above)
    from local import explain as command  # noqa: PLC0415 (as above)

    sys.exit(command.run(Screen(), control))


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


def _signed_in(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say who is at work and where, and hands them over as `deployment.sign_in`'s arguments."""
    for option in (
        click.option("--endpoint-url", metavar="URL", help="Where AWS answers; the lab's, to try this out."),
        click.option(
            "--region", metavar="REGION", help="The Region that is meant; else the profile's or environment's."
        ),
        click.option("--profile", metavar="NAME", help="Whose credentials to use; else the environment's."),
    ):
        command = option(command)
    return command


def _of_a_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say which stack is meant, and hands them over as `deployment.find`'s arguments."""
    return click.option("--stack", metavar="NAME", default="relight", show_default=True, help="The stack's name.")(
        _signed_in(command)
    )


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

    with _ended("redrive"):
        sys.exit(command.run(deployment.find(**stack), Screen(), dry_run=dry_run, limit=limit))


def _control(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    from local.operate.check import LOOKED_AT  # noqa: PLC0415 (as above)

    for name in names:
        if name not in LOOKED_AT:
            raise click.BadParameter(f"{name} is no control that can be checked; relight explain lists all.")
    return names


@main.command()
@click.option("--all-regions", is_flag=True, help="All Regions that the account has enabled.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="ID",
    callback=_control,
    shell_complete=_controls,
    help="This control only; may be repeated.",
)
@click.option(
    "--output", "-o", type=click.Choice(("table", "html", "json", "csv", "asff")), default="table", show_default=True
)
@click.option(
    "--standard",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Your standard.toml; else the shipped one.",
)
@click.option("--stack", default="", metavar="NAME", help="Add the trend and the evidence that its ledger keeps.")
@click.option("--all-accounts", is_flag=True, help="With a hub's --stack: the evidence of its members, too.")
@click.option("--fix", is_flag=True, help="Ask, repair, and check again.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--cap",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="Repair at most N resources, the worst first.",
)
@click.option("--topic", metavar="ARN", help="The SNS topic that alarms are to tell.")
@click.option("--trail-key", metavar="ARN", help="The KMS key that trails are to be encrypted with.")
@click.option("--access-log-bucket", metavar="NAME", help="The bucket that access logs are to go to.")
@click.option("--flow-logs-role", metavar="ARN", help="The role by which flow logs are delivered to CloudWatch Logs.")
@click.option("--trail-logs-role", metavar="ARN", help="The role by which trails are delivered there.")
@click.option("--endpoint-url", metavar="URL", help="Where AWS answers; the lab's, to try this out.")
@click.option(
    "--region", "regions", multiple=True, metavar="REGION", help="May be repeated; else the profile's or environment's."
)
@click.option("--profile", metavar="NAME", help="Whose credentials to use; else the environment's.")
def check(  # noqa: PLR0913 (its options)
    *,
    regions: tuple[str, ...],
    all_regions: bool,
    controls: tuple[str, ...],
    output: str,
    file: Path | None,
    stack: str,
    all_accounts: bool,
    fix: bool,
    yes: bool,
    cap: int,
    profile: str | None,
    endpoint_url: str | None,
    **settings: str | None,
) -> None:
    """Say how far an account's logging is as it should be, and with --fix repair it.

    Reads only, with your credentials; no stack is needed. The table counts the violations of each control; its first
    nine rows stand beside what a study of 1,143 accounts found. Then come the violations, the worst first, each with
    the calls that --fix would make. What could not be read is listed as such and never counts as compliant.

    The standard is Relight's, or your own standard.toml, with its exemptions. What only a stack has (a key, a role, a
    topic) you may name; those of other Regions than the first stand in standard.toml. What is not known is not
    repaired. In the first Region AWS Config has to record global resources too.

    --fix shows the calls, what they would replace (a key that is disabled, for example), what is sent instead where AWS
    refuses one, and what they cost; asks, repairs what violates, be it the shipped mode or not, and checks again. It
    knows no baseline: what is put in place is the standard's, or what your options name. What has changed since you
    were asked, or cannot be read, is left alone.

    html is one page to keep or send: the posture against the study as a chart, findings, gaps. It loads nothing. With
    --stack it also has the account's posture over time, and who changed what there and how it was repaired; this needs
    cloudformation:DescribeStacks, and dynamodb:Query and Scan on the ledger. A hub's --all-accounts adds what happened
    in its members; what is checked is one account still.

    Machines get json, csv, or asff: lines of at most 100 findings, each a request of Security Hub's BatchImportFindings
    in the first Region. What is met has a finding that passed, which ends the one that failed: those of earlier checks,
    and those of Relight's incidents where the standard alone decides (see README.md). All that stands alone on standard
    output; progress and questions go to standard error.

    AWS's policy SecurityAudit is meant for such reading. What it lacks is listed as not checked, and so is what another
    account owns, an organisation's trail for example: check that account too, and exempt it here.

    The exit status is 0 if all is compliant, 1 if something violates, and 2 if anything could not be checked, whatever
    else was found: CI must not take that for a verdict.

    \b
    Example:
      relight check
      relight check --profile audit --all-regions --stack relight -o html > report.html
      relight check --control vpc.flow-logs --fix --flow-logs-role arn:aws:iam::123456789012:role/flow-logs
      relight check -o asff | split -l 1 - batch. && for each in batch.*; do
        aws securityhub batch-import-findings --cli-input-json "file://$each"; done
    """  # noqa: D301 (as above)
    from local.operate import check as command  # noqa: PLC0415 (as above)
    from local.operate import deployment  # noqa: PLC0415 (as above)

    with _ended("check"):
        session = deployment.session(profile, regions[0] if regions else None, endpoint_url)
        wanted = command.Wanted(
            regions=regions,
            all_regions=all_regions,
            controls=frozenset(controls) or command.LOOKED_AT,
            file=file,
            settings={name: value for name, value in settings.items() if value},
            output=output,
            fix=fix,
            cap=cap,
            stack=stack,
            all_accounts=all_accounts,
            command=_line(click.get_current_context()),
        )
        sys.exit(command.run(session, wanted, lambda: yes or click.confirm("Repair?", err=True)))


def _line(context: click.Context) -> str:
    """The command as it was given."""
    words = ["relight", str(context.info_name)]
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            value = context.params[option.name or ""]
            for each in value if isinstance(value, tuple) else (value,):
                words += [option.opts[0]] if each is True else [option.opts[0], str(each)]
    return shlex.join(words)


@contextmanager
def _ended(command: str) -> Iterator[None]:
    """Says why a command could not go on, with its exit status."""
    from local.operate.deployment import OperatorError, Refused  # noqa: PLC0415 (as above)

    try:
        yield
    except (OperatorError, Refused) as error:
        click.echo(f"relight {command}: {error}", err=True)
        sys.exit(1 if isinstance(error, Refused) else 2)


def _of_a_baseline(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the arguments that say which baseline is meant, and why."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--member-profile",
            metavar="NAME",
            help="In a hub: credentials in the member's account, to look at its RESOURCE.",
        ),
        click.option(
            "--account", metavar="ID", help="In a hub: whose RESOURCE is, if its ARN or --member-profile does not say."
        ),
        click.option("--kind", metavar="KIND", help="What RESOURCE is, if it is a name: trail, vpc, bucket, key …"),
        click.option("--reason", metavar="TEXT", required=True, help="Why; told to security, and kept."),
        click.argument("resource"),
    ):
        command = option(command)
    return _of_a_stack(command)


@main.command()
@_of_a_baseline
def accept(**given: Any) -> None:
    """Make the present state of RESOURCE what Relight puts back, although it is weaker or leads elsewhere.

    RESOURCE is an ARN, or a name with --kind. It is read with your credentials and judged as the functions would; what
    changes is shown, and you are asked. Security is told, with your name and reason, before anything is written. What
    cannot be read or judged is not accepted. What the standard enforces goes on being repaired.

    It needs what the functions may read, and cloudformation:DescribeStacks, lambda:GetFunctionConfiguration,
    dynamodb:GetItem and PutItem on the ledger, and sns:Publish with the topic's key. The ledger lets nobody write but
    the role that the stack's parameter OperatorRoleArn names.

    In a hub, RESOURCE may be a member's. It is read with --member-profile, credentials in that account that need write
    nothing; everything else is done with yours, in the hub.

    The exit status is 0 if it is the baseline now, 1 if it was refused or declined, 2 if AWS could not be asked.

    \b
    Example:
      relight accept vpc-0a1b2c3d --kind vpc --reason "REJECT is enough for the sandbox, SEC-112"
      relight accept arn:aws:cloudtrail:eu-central-1:123456789012:trail/main --reason "New bucket, SEC-113"
      relight accept arn:aws:s3:::payroll-trail-logs --member-profile payroll --reason "Kept for a year only, SEC-115"
    """  # noqa: D301 (as above)
    _decide("accept", **given)


@main.command()
@click.option("--force", is_flag=True, help="Also if the resource still exists, or nobody can tell.")
@_of_a_baseline
def forget(**given: Any) -> None:
    """Delete the baseline of RESOURCE, which is decommissioned: Relight will not put it back.

    RESOURCE is an ARN, or a name with --kind. Security is told, with your name and reason, before anything is deleted.
    To delete something that Relight would put back, forget it with --force first, and then delete it at once: while it
    is there, Relight's next look makes it a new baseline.

    It needs the same as accept, and dynamodb:DeleteItem on the ledger. In a hub, a member's RESOURCE is looked at with
    --member-profile; with --force it may do without, and a bucket's account is then named by --account.

    The exit status is 0 if it is forgotten, 1 if it was refused or declined, 2 if AWS could not be asked.

    \b
    Example:
      relight forget arn:aws:cloudtrail:eu-central-1:123456789012:trail/old --reason "Replaced by main, SEC-114"
      relight forget arn:aws:s3:::old-logs --account 210987654321 --force --reason "The account is closed, SEC-116"
    """  # noqa: D301 (as above)
    _decide("forget", **given)


def _decide(action: str, *, yes: bool, **given: Any) -> None:
    from local.operate import baselines, deployment  # noqa: PLC0415 (as above)

    with _ended(action):
        at = ("stack", "profile", "region", "endpoint_url", "member_profile")
        stack = {name: given.pop(name) for name in at}
        wanted = baselines.Wanted(action, **given)
        command = {"accept": baselines.accept, "forget": baselines.forget}[action]
        sys.exit(
            command(deployment.find(**stack), Screen(), wanted, lambda: yes or click.confirm(f"{action}?".capitalize()))
        )


@main.command()
@click.argument("id_", metavar="ID")
@click.option("--resolve-foreign", is_flag=True, help="Find another account's user or role. This writes: see above.")
@click.option("--yes", is_flag=True, help="Do not ask before that.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@_signed_in
def whois(*, id_: str, resolve_foreign: bool, yes: bool, output: str, **access: Any) -> None:
    """Say whose ID is: the account, and the ARN where it can be found.

    ID is what a notification or a CloudTrail record shows: an access key id (AKIA…, ASIA…), a unique id (AIDA…,
    AROA…), a principalId (AROA…:session), an ARN or an account.

    Without credentials the account is decoded from the id, and said to be. With them, STS is asked for a key's account,
    IAM for what this account has, CloudTrail's event history in the Region for who used a key or was given it.

    The ARN of another account's user or role shows only in a policy that names its id. With --resolve-foreign a role
    that allows nothing to anybody is created with such a policy, read, and deleted again; you are shown it and asked.

    It needs sts:GetAccessKeyInfo, iam:GetAccessKeyLastUsed, iam:GetUser, iam:List* of what the id is, and
    cloudtrail:LookupEvents; and to resolve, iam:CreateRole, GetRole and DeleteRole on role/throwaway-whois-*.

    The exit status is 0 if the account or ARN is known, be it only decoded; 1 if nothing tells it; 2 if nothing told it
    and AWS could not be asked, or if --resolve-foreign failed or left its role behind.

    \b
    Example:
      relight whois ASIAY34FZKBOKMUTVV7A
      relight whois AROAJMD24IEMKTX6BABJI:session --profile security --resolve-foreign
      relight whois AKIAIOSFODNN7EXAMPLE --output json
    """  # noqa: D301 (as above)
    from local.operate import deployment  # noqa: PLC0415 (as above)
    from local.operate import whois as command  # noqa: PLC0415 (as above)

    def confirmed(plan: str) -> bool:
        click.echo(plan, err=True)
        return yes or click.confirm("Write it?", err=True)

    options = command.Options(resolve_foreign, output == "json", confirmed)
    with _ended("whois"):
        sys.exit(command.run(lambda: deployment.sign_in(**access), Screen(), id_, options))


def _volume(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not isfinite(value):
        raise click.BadParameter(f"{value} is not a number of GB.")
    return value


_COUNT, _GB = click.IntRange(min=0), click.FloatRange(min=0)


@main.command()
@click.option("--s3-requests", type=_COUNT, metavar="N", help="Requests to S3 objects in a month.")
@click.option("--bucket", "buckets", multiple=True, metavar="NAME", help="Read only this bucket's; may be repeated.")
@click.option("--network-events", type=_COUNT, metavar="N", help="Calls in a month that VPC endpoints deny.")
@click.option("--management-events", type=_COUNT, metavar="N", help="Management events in a month, in one copy.")
@click.option("--copies", type=_COUNT, metavar="N", help="Copies of management events beside the first, free one.")
@click.option("--flow-log-gb", type=_GB, callback=_volume, metavar="N", help="GB of flow logs in a month, in all.")
@click.option(
    "--gb-per-interface",
    type=_GB,
    callback=_volume,
    metavar="N",
    help="GB of flow logs in a month from each network interface; else measured, or 0.1.",
)
@click.option(
    "--flow-logs-to",
    type=click.Choice(["cloudwatch", "s3"]),
    default="cloudwatch",
    show_default=True,
    help="Where flow logs would go.",
)
@click.option(
    "--retention-days", type=click.IntRange(min=1), default=365, show_default=True, help="How long they would be kept."
)
@click.option("--prices", metavar="FILE", type=click.Path(path_type=Path), help="Your price table; else Relight's.")
@click.option("--show-prices", is_flag=True, help="Print the price table, to be copied and changed, and nothing else.")
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="For people, or programs."
)
@_signed_in
def cost(*, prices: Path | None, show_prices: bool, output: str, **options: Any) -> None:
    """Estimate what more logging costs in a month, before it is switched on.

    That is S3 data events, network activity events, further copies of management events, and flow logs of VPCs that
    have none. Volumes that you do not give are read with your credentials: from CloudWatch where it counts them. With
    all of --s3-requests, --network-events, --management-events, --copies and --flow-log-gb, AWS is not asked. What
    nobody knows is said, and not counted; all assumptions and prices are shown, and can be replaced.

    It needs cloudwatch:ListMetrics and GetMetricStatistics; s3:ListAllMyBuckets and GetMetricsConfiguration;
    cloudtrail:DescribeTrails and GetEventSelectors; ec2:DescribeVpcs, DescribeFlowLogs, DescribeNetworkInterfaces and
    DescribeVpcEndpoints.

    The exit status is 0 if the estimate is complete, 1 if a volume is not known, 2 if AWS could not be asked or the
    price table is wrong.

    \b
    Example:
      relight cost --profile security --region eu-central-1
      relight cost --bucket invoices --bucket payroll --network-events 5000
      relight cost --s3-requests 12000000 --network-events 0 --management-events 300000 --copies 1 --flow-log-gb 40
      relight cost --show-prices > mine.toml && relight cost --prices mine.toml
    """  # noqa: D301 (as above)
    from local.operate import cost as command  # noqa: PLC0415 (as above)
    from local.operate import deployment  # noqa: PLC0415 (as above)
    from local.operate import prices as table  # noqa: PLC0415 (as above)
    from relight.clock import Clock  # noqa: PLC0415 (as above)

    with _ended("cost"):
        path = prices or table.SHIPPED
        if show_prices:
            click.echo(table.text(path), nl=False)
            return
        account = {name: options.pop(name) for name in ("profile", "region", "endpoint_url")}
        given = command.Given(**options)
        as_json = output == "json"
        sys.exit(
            command.run(
                given,
                table.read(path),
                lambda: deployment.sign_in(**account)[0].home,
                Screen(),
                Clock().now(),
                as_json=as_json,
            )
        )


if __name__ == "__main__":
    main()
