"""What the contestants deploy, unpacked as Lambda does, and how large it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore import xform_name

from local.bench.events import FIVE, Event, telling
from local.settings import PROJECT

PYTHON = PROJECT / ".venv-bench" / "bin" / "python"
LAYER = PROJECT / ".aws-sam" / "build" / "SharedLayer" / "python"
FUNCTIONS = PROJECT / "functions"
HERE = Path(__file__).parent
# What Lambda's own Python brings beside the standard library, for all contestants.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
RELIGHT, CUSTODIAN, FLOOR = "Relight", "Cloud Custodian", "Floor"
CONTESTANTS = (RELIGHT, CUSTODIAN, FLOOR)
Environments = Mapping[str, Mapping[str, str]]
TELLING = "Cloud Custodian with notify"


@dataclass(frozen=True)
class Package:
    """One contestant's code for one event: its modules, beside Lambda's; what Lambda calls, and with what."""

    path: tuple[Path, ...]
    handler: str
    environment: Mapping[str, str]
    takes: Callable[[dict[str, Any]], dict[str, Any]] = lambda event: event


def find(folder: Path, environments: Environments, event: Event, kind: str, contestant: str) -> Package:
    """A contestant's package for an event, among what `build` unpacked; each function's environment by its family."""
    runtime, own = folder / "runtime", environments[event.family]
    if contestant == RELIGHT:
        path = (folder / kind / "functions" / event.family, folder / kind / "layer", runtime)
        return Package(path, "app.handler", own, event.as_delivered)
    general = {name: value for name, value in own.items() if name.startswith("AWS_")}
    if contestant == FLOOR:
        parameters = {
            "FLOOR_SERVICE": event.service,
            "FLOOR_METHOD": xform_name(event.operation),
            "FLOOR_PARAMETERS": json.dumps(event.parameters),
        }
        return Package((folder / kind / "floor", runtime), "app.handler", general | parameters)
    return Package((folder / kind / contestant / event.policy["name"], runtime), "custodian_policy.run", general)


def build(folder: Path) -> None:
    """Unpacks everything twice: "shipped", with bytecode where it is uploaded (Relight's layer), and "precompiled"."""
    for needed, how in ((PYTHON, "make bench installs it"), (LAYER, "make build builds it")):
        if not needed.exists():
            raise click.ClickException(f"{needed} is not there: {how}")
    _runtime(folder / "runtime")
    shipped = folder / "shipped"
    shutil.copytree(FUNCTIONS, shipped / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(LAYER, shipped / "layer")
    shutil.copytree(HERE / "floor", shipped / "floor", ignore=shutil.ignore_patterns("__pycache__"))
    for name, policies in (
        (CUSTODIAN, [each.policy for each in FIVE]),
        (TELLING, [telling(each.policy) for each in FIVE]),
    ):
        archives = folder / "archives" / name
        archives.mkdir(parents=True)
        written = archives / "policies.json"
        written.write_text(json.dumps({"policies": policies}))
        _run([PYTHON, HERE / "archives.py", written, archives])
        for archive in archives.glob("*.zip"):
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(shipped / name / archive.stem)
    shutil.copytree(shipped, folder / "precompiled")
    for compiled in (folder / "precompiled", *(folder / "runtime").iterdir()):
        _run([PYTHON, "-m", "compileall", "-q", compiled])


def _runtime(folder: Path) -> None:
    folder.mkdir(parents=True)
    (site,) = (PYTHON.parent.parent / "lib").glob("python3.*/site-packages")
    for name in RUNTIME:
        (folder / name).symlink_to(site / name)


def _run(command: Iterable[str | Path]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    if done.returncode:
        raise click.ClickException(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")


def sizes(folder: Path) -> dict[str, int]:
    """Bytes as uploaded: Relight's functions and layer, and Cloud Custodian's archives of the five events."""
    shipped = folder / "shipped"
    parts = [*(shipped / "functions").iterdir(), shipped / "layer"]
    archives = (folder / "archives" / CUSTODIAN).glob("*.zip")
    return {
        RELIGHT: sum(_zipped(part, folder / "measured.zip") for part in parts if part.is_dir()),
        CUSTODIAN: sum(archive.stat().st_size for archive in archives),
    }


def _zipped(source: Path, target: Path) -> int:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(source.rglob("*")):
            packed.write(path, path.relative_to(source))
    return target.stat().st_size
