"""What the repository promises beside its code: pinned requirements, no fixed place, a licence, a changelog."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.settings import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = sorted([*PROJECT.glob("requirements/*.txt"), *PROJECT.glob("shared/*.txt")])
ASKED_FOR = sorted([*PROJECT.glob("requirements/*.in"), *PROJECT.glob("shared/*.in")])
LAYER = PROJECT / "shared" / "requirements.txt"
# Of any partition: a template or a function with one of these would work in one place only.
ARN = re.compile(r"arn:aws[a-z-]*:")
REGION = re.compile(
    r"\b(?:us|eu|ap|ca|sa|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)(?:east|west)?-\d\b"
)
# An address beside which comments may stand, but none that pip or uv would follow.
INDEX = re.compile(
    r"^\s*(?:-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host)\b|@\s*\w+(?:\+\w+)?:|https?://",
    re.MULTILINE,
)


def pinned(path: Path) -> Iterator[str]:
    """The requirements in a file, each with its continuation lines joined."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    return (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def deployed() -> list[Path]:
    """Every file that is deployed, or tells what is."""
    folders = (PROJECT / "functions", PROJECT / "shared")
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [
        PROJECT / "template.yaml",
        PROJECT / "docs" / "forwarder.yaml",
        *(p for p in sorted(found) if "__pycache__" not in p.parts),
    ]


@pytest.mark.parametrize("path", deployed(), ids=lambda p: str(p.relative_to(PROJECT)))
def test_nothing_is_fixed_to_a_partition_or_region(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.relative_to(PROJECT)}, line {number}"
        assert not ARN.search(line), f"{where}: use ${{AWS::Partition}}, or the standard's partition: {line.strip()}"
        assert not REGION.search(line), f"{where}: use ${{AWS::Region}}, or the event's Region: {line.strip()}"


@pytest.mark.parametrize(
    "text", ["arn:aws:s3:::x", "arn:aws-us-gov:iam::1:role/x", "us-east-1", "us-gov-west-1", "ap-southeast-2"]
)
def test_a_fixed_partition_or_region_would_be_seen(text: str) -> None:
    assert ARN.search(text) or REGION.search(text)


@pytest.mark.parametrize("path", [*REQUIREMENTS, *ASKED_FOR], ids=lambda p: str(p.relative_to(PROJECT)))
def test_no_requirements_name_an_index(path: Path) -> None:
    found = INDEX.findall(path.read_text(encoding="utf-8"))
    assert not found, f"{path.name}: names {found[:1]}; everybody installs from their own index: make requirements"


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda p: str(p.relative_to(PROJECT)))
def test_requirements_are_pinned_with_hashes(path: Path) -> None:
    lines = list(pinned(path))
    assert lines, f"{path.name} is empty: make requirements"
    for line in lines:
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[\w.!+-]+( ;|\s+--hash)", line), (
            f"{path.name}: not pinned: {line:.60}"
        )
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), f"{path.name}: without hash: {line:.60}"


@pytest.mark.parametrize("path", ASKED_FOR, ids=lambda p: str(p.relative_to(PROJECT)))
def test_every_list_of_requirements_is_pinned(path: Path) -> None:
    assert path.with_suffix(".txt") in REQUIREMENTS, f"{path.name} has no .txt: make requirements"
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    renewed = re.findall(r"^PINNED :?= (.*)$", makefile, re.MULTILINE)[0].split()
    name = str(path.relative_to(PROJECT).with_suffix(""))
    assert name in renewed, f"add {name} to PINNED in the Makefile, or it would never be renewed"


def test_the_layer_holds_powertools_and_what_it_needs_only() -> None:
    """boto3 is Lambda's own: it would add some 17 MB."""
    wanted, todo = set(), ["aws-lambda-powertools"]
    while todo:
        name = canonicalize_name(todo.pop())
        wanted.add(name)
        needed = (Requirement(each) for each in requires(name) or ())
        todo += [r.name for r in needed if (not r.marker or r.marker.evaluate({"extra": ""})) and r.name not in wanted]
    found = {canonicalize_name(line.split("==")[0].strip()) for line in pinned(LAYER)}
    assert found == wanted, (
        f"shared/requirements.txt has {sorted(found - wanted)} too many, {sorted(wanted - found)} too few"
    )


def test_the_licence_is_apache_2() -> None:
    licence = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    assert licence.lstrip().startswith("Apache License\n"), "LICENSE is not the Apache License"
    for part in ("Version 2.0, January 2004", "TERMS AND CONDITIONS FOR USE", "END OF TERMS AND CONDITIONS"):
        assert part in licence, f"LICENSE is cut: it lacks {part!r}"
    assert PYPROJECT["license"] == "Apache-2.0", "pyproject.toml names another licence than LICENSE"


def test_the_changelog_tells_of_this_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?v?([^\s\]]+)", changelog, re.MULTILINE)
    assert PYPROJECT["version"] in headings, (
        f"CHANGELOG.md has no heading '## {PYPROJECT['version']}'; it has {headings}"
    )


def test_the_readme_leads_with_its_two_commands() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```(?:sh|bash|console|shell)\n(.+?)\n```", readme, re.MULTILINE | re.DOTALL)
    assert commands[:2] == ["make demo", "make test"], f"the README's first two commands are {commands[:2]}"
