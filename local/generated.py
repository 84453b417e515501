"""Files of the repository that code writes: printed, or written with ``--write``, as `make docs` does."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from local.settings import PROJECT


def generate(module: str, files: Mapping[Path, Callable[[], str]], show: Callable[[], object] | None = None) -> None:
    """The command of `module`: writes the files, or shows what would be written, by default all of it."""
    names = ", ".join(str(path.relative_to(PROJECT)) for path in files)
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"What is generated of {names}.")
    parser.add_argument("--write", action="store_true", help=f"write {names}")
    if parser.parse_args().write:
        for path, text in files.items():
            path.write_text(text(), encoding="utf-8")
    elif show:
        show()
    else:
        print("".join(text() for text in files.values()), end="")  # noqa: T201 (it is what the command is for)
