"""Lambda's own container for one function: `sam local invoke`, with the local AWS in its reach."""

import ipaddress
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.cloud import LocalAws
from local.gateway import AddressUnavailableError
from local.settings import LOOPBACK, PROJECT, REGION
from local.stack import Function

# The name under which a container knows the machine that it runs on.
_MACHINE = "host.docker.internal"
_BUILT = PROJECT / ".aws-sam" / "build" / "template.yaml"


class ContainerError(Exception):
    """Something that running a container takes is missing; the message says what to do."""


@dataclass(frozen=True)
class Reachable:
    """A local AWS that containers reach, and the address to tell them, where they do not know it themselves."""

    aws: LocalAws
    address: str | None


def engine() -> str:
    """Docker, or Finch in its place. Raises ContainerError where neither answers."""
    for command in ("docker", "finch"):
        if shutil.which(command) and _asked(command, "info") is not None:
            return command
    raise ContainerError(
        "No container engine answers: start Docker or Finch. (relight demo and relight lab need none.)"
    )


def reachable(engine_command: str) -> Reachable:
    """A local AWS where containers reach it.

    That is the bridge's gateway where the engine runs on this very machine; else loopback, to which the engine's
    virtual machine leads by itself.
    """
    gateway = _gateway(engine_command)
    if gateway:
        try:
            return Reachable(LocalAws(gateway), gateway)
        except AddressUnavailableError:
            pass
    return Reachable(LocalAws(LOOPBACK), None)


def _gateway(engine_command: str) -> str | None:
    """The bridge's gateway: as the engine says, or the first address of its subnet, which engines take by default."""
    answer = _asked(engine_command, "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    configs = json.loads(answer or "null")
    for config in configs or ():
        if config.get("Gateway"):
            return str(config["Gateway"])
        subnet = ipaddress.ip_network(config["Subnet"])
        if subnet.version == 4:
            return str(subnet[1])
    return None


def _asked(*command: str) -> str | None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (the engine's own)
    return answer.stdout.strip() if answer.returncode == 0 else None


@contextmanager
def _reaching_template() -> Iterator[Path]:
    """The built template, with the address of AWS declared: SAM sets only variables that a template declares."""
    if not _BUILT.is_file():
        raise ContainerError("The template is not built: sam build, or make invoke, which builds it.")
    template = yaml_parse(_BUILT.read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            variables = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
            variables["AWS_ENDPOINT_URL"] = ""
    with tempfile.NamedTemporaryFile("w", dir=_BUILT.parent, prefix="local-", suffix=".yaml") as written:
        json.dump(template, written)
        written.flush()
        yield Path(written.name)


def invoke(reach: Reachable, function: Function, event: Any, sam: str) -> "subprocess.CompletedProcess[str]":
    """Runs a deployed function on an event; standard output is its answer. Raises ContainerError."""
    if shutil.which(sam) is None:
        raise ContainerError(f"There is no {sam}: install the SAM CLI, or use make invoke, which brings it.")
    aws = reach.aws
    url = f"http://{_MACHINE}:{aws.url.rpartition(':')[2]}"
    with tempfile.TemporaryDirectory() as folder, _reaching_template() as template:
        written = Path(folder)
        (written / "event.json").write_text(json.dumps(event))
        variables = {**function.environment, "AWS_ENDPOINT_URL": url}
        (written / "env.json").write_text(json.dumps({function.logical_id: variables}))
        command = [sam, "local", "invoke", function.logical_id, "--template", str(template), "--region", REGION]
        command += ["-e", str(written / "event.json"), "--env-vars", str(written / "env.json"), "--skip-pull-image"]
        if reach.address:
            command += ["--add-host", f"{_MACHINE}:{reach.address}"]
        environment = os.environ | aws.role_credentials(function) | {"SAM_CLI_TELEMETRY": "0", "AWS_REGION": REGION}
        environment.pop("AWS_PROFILE", None)
        return subprocess.run(  # noqa: S603 (the user's own sam)
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
