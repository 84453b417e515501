"""The layer's build compiles it for Lambda's Python, where there is one, and says so where there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from local.settings import PROJECT


def compiled(tmp_path: Path, **environment: str) -> tuple[bool, str]:
    """Whether a layer with one module gets bytecode, and what the build says."""
    module = tmp_path / "python" / "lamp.py"
    module.parent.mkdir()
    module.write_text("LIT = True\n")
    ran = subprocess.run(  # noqa: S603 (our own Makefile)
        ["make", "--silent", "--file", PROJECT / "shared" / "Makefile", "bytecode"],  # noqa: S607 (whichever make)
        env={**os.environ, "ARTIFACTS_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return bool(list(module.parent.glob("__pycache__/lamp.cpython-313.pyc"))), ran.stderr


def test_the_layer_has_bytecode_or_its_build_says_that_it_has_none(tmp_path: Path) -> None:
    has_bytecode, said = compiled(tmp_path)
    assert has_bytecode != ("no bytecode" in said)


def test_without_lambdas_python_the_build_goes_on(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "sh", "bash"):
        found = next(Path(folder) / tool for folder in os.get_exec_path() if (Path(folder) / tool).exists())
        (tools / tool).symlink_to(found)
    has_bytecode, said = compiled(tmp_path, PATH=str(tools), PYTHON="no-python")
    assert not has_bytecode
    assert "No Python 3.13 is here" in said
