"""The README's generated tables: controls from the code, parameters from the template, settings from standard.toml.

``python -m local.catalogue`` prints them, and with ``--write`` puts them between their markers in README.md.
"""

import argparse
import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.settings import PROJECT
from relight.model import Severity
from relight.policy import CONTROLS, Control
from relight.standard import SHIPPED

README = PROJECT / "README.md"
TEMPLATE = PROJECT / "template.yaml"


class MissingMarkersError(Exception):
    """The README has no place for a table."""


def controls() -> str:
    """A row a control: the kind with the worst that can happen first."""
    worst: dict[str, int] = {}
    for each in CONTROLS.values():
        worst[each.kind] = max(worst.get(each.kind, 0), each.severity.rank)
    ordered = sorted(CONTROLS.values(), key=lambda each: -worst[each.kind])
    header = ("Control", "Compliant when", "Looked at after", "Repair", "CIS / Security Hub", "Severity")
    return _table((*header, "Modes: restore / introduce / create"), map(_control, ordered))


def parameters(template: Path = TEMPLATE) -> str:
    """A row a parameter, in the template's order."""
    declared = yaml_parse(template.read_text(encoding="utf-8"))["Parameters"]
    rows = ((f"`{name}`", _default(each), each.get("Description", "")) for name, each in declared.items())
    return _table(("Parameter", "Default", "What it does"), rows)


def settings(path: Path = SHIPPED) -> str:
    """A row a setting of standard.toml: its name, what it is shipped as, and the comment above it."""
    shipped = tomllib.loads(path.read_text(encoding="utf-8"))
    rows, comment, table = [], "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment += "" if line.startswith("#   ") else line[1:]  # further in stand examples
            continue
        if line.startswith("["):
            table = line.strip("[]")
            if not shipped[table]:
                rows.append((f"`[{table}]`", "*empty*", comment))
        elif line:
            name = line.partition(" = ")[0]
            value = (shipped[table] if table else shipped)[name]
            rows.append((f"`{f'{table}.' if table else ''}{name}`", f"`{json.dumps(value)}`", comment))
        comment = ""
    rows.append(("`[[exemptions]]`", "*none*", comment))
    return _table(("Setting", "Shipped as", "What it says"), rows)


def rewritten(text: str) -> str:
    """A README with its tables as they are now. Raises MissingMarkersError."""
    for name, table in (("controls", controls()), ("parameters", parameters()), ("settings", settings())):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise MissingMarkersError(f"README.md needs one {begin} and, after it, one {end}")
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return text


def _control(row: Control) -> tuple[str, ...]:
    references = "<br>".join(number for number in (row.cis and f"CIS {row.cis}", row.security_hub) if number)
    return (
        f"`{row.id}`",
        row.title,
        ", ".join(row.triggers),
        row.repair or "none: told only",
        references or "none",
        _severity(row.severity),
        " / ".join((row.restore, row.introduce, row.create or row.introduce)),
    )


def _severity(value: Severity) -> str:
    return value.capitalize()


def _default(parameter: dict[str, Any]) -> str:
    if "Default" not in parameter:
        return "*must be given*"
    return f"`{parameter['Default']}`" if parameter["Default"] != "" else "*empty*"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (header, tuple("---" for _ in header), *rows)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """One line, with nothing in it that would end the cell or be taken for a tag."""
    plain = re.sub(r"<(?!br>)", "&lt;", text)
    return re.sub(r"\s+", " ", plain).strip().replace("|", "\\|")


def main() -> None:
    """Prints the tables, or writes them into README.md."""
    parser = argparse.ArgumentParser(prog="python -m local.catalogue", description="The README's generated tables.")
    parser.add_argument("--write", action="store_true", help="put them between their markers in README.md")
    if parser.parse_args().write:
        README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(f"{controls()}\n\n{parameters()}\n\n{settings()}")  # noqa: T201 (it is what the command is for)


if __name__ == "__main__":
    main()
