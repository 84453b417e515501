"""The README's generated tables: of controls, parameters and settings, and what docs/reliability.json holds.

``python -m local.catalogue`` prints them, and with ``--write`` puts them between their markers in README.md.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local import reliability
from local.generated import generate
from local.markdown import placed, table
from local.settings import PROJECT
from relight.model import Severity
from relight.policy import CONTROLS, Control
from relight.standard import SHIPPED

README = PROJECT / "README.md"
TEMPLATE = PROJECT / "template.yaml"


def controls() -> str:
    """A row a control: the kind with the worst that can happen first."""
    worst: dict[str, int] = {}
    for each in CONTROLS.values():
        worst[each.kind] = max(worst.get(each.kind, 0), each.severity.rank)
    ordered = sorted(CONTROLS.values(), key=lambda each: -worst[each.kind])
    header = ("Control", "Compliant when", "Looked at after", "Repair", "CIS / Security Hub", "Severity")
    return table((*header, "Modes: restore / introduce / create"), map(_control, ordered))


def parameters(template: Path = TEMPLATE) -> str:
    """A row a parameter, in the template's order."""
    declared = yaml_parse(template.read_text(encoding="utf-8"))["Parameters"]
    rows = ((f"`{name}`", _default(each), each.get("Description", "")) for name, each in declared.items())
    return table(("Parameter", "Default", "What it does"), rows)


def settings(path: Path = SHIPPED) -> str:
    """A row a setting of standard.toml: its name, what it is shipped as, and the comment above it."""
    shipped = tomllib.loads(path.read_text(encoding="utf-8"))
    rows, comment, section = [], "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment += "" if line.startswith("#   ") else line[1:]  # further in stand examples
            continue
        if line.startswith("["):
            section = line.strip("[]")
            if not shipped[section]:
                rows.append((f"`[{section}]`", "*empty*", comment))
        elif line:
            name = line.partition(" = ")[0]
            value = (shipped[section] if section else shipped)[name]
            rows.append((f"`{f'{section}.' if section else ''}{name}`", f"`{json.dumps(value)}`", comment))
        comment = ""
    rows.append(("`[[exemptions]]`", "*none*", comment))
    return table(("Setting", "Shipped as", "What it says"), rows)


def rewritten(text: str) -> str:
    """A README with its tables as they are now. Raises MissingMarkersError."""
    tables = {
        "controls": controls(),
        "parameters": parameters(),
        "settings": settings(),
        "reliability": reliability.rows(),
    }
    for name, content in tables.items():
        text = placed(text, name, content)
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


def main() -> None:
    """Prints the tables, or writes them into README.md."""
    generate(
        "local.catalogue",
        {README: lambda: rewritten(README.read_text(encoding="utf-8"))},
        show=lambda: print(f"{controls()}\n\n{parameters()}\n\n{settings()}"),  # noqa: T201 (what the command is for)
    )


if __name__ == "__main__":
    main()
