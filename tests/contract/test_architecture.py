"""The shape of the code: who may import whom, who alone touches AWS and the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.settings import PROJECT

SHARED = PROJECT / "shared"
RELIGHT = SHARED / "relight"
# From the ground up: each imports only from what stands before it (and within its own package).
LAYERS = (
    "plain", "errors", "model", "clock", "standard", "record", "policy", "posture", "telemetry", "incident",
    "message", "render", "asff", "aws", "accounts", "notify", "ledger", "fallback", "journal", "resources", "case",
    "outbox", "repair", "reconcile", "mend", "survey", "batch", "handler", "denied", "guard", "progress", "digest",
    "sweep", "security_hub",
)  # fmt: skip
POLICY_MAY = {"errors", "model", "standard", "policy"}
RESOURCES_MAY = POLICY_MAY | {"aws", "record", "resources"}
FUNCTIONS_MAY = {"handler", "denied", "guard", "sweep", "security_hub", "resources"}
OUTSIDE = {"aws_lambda_powertools"} | sys.stdlib_module_names
ONLY_IN_AWS = {"boto3", "botocore"}

MODULES = sorted(RELIGHT.rglob("*.py"))
APPS = sorted((PROJECT / "functions").glob("*/app.py"))
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SHARED)))
every_app = pytest.mark.parametrize("path", APPS, ids=lambda p: p.parent.name)


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide the direction; write relight.…"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(path: Path) -> str:
    """The layer that a file stands in: the first step below relight."""
    return path.relative_to(RELIGHT).parts[0].removesuffix(".py")


def ours(path: Path) -> set[str]:
    """The layers that a file imports from."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("relight.")}


@every_module
def test_dependencies_run_one_way(path: Path) -> None:
    here = layer(path)
    if here == "__init__":
        assert not ours(path), "relight/__init__.py imports nothing: it would load everything for everybody"
        return
    assert here in LAYERS, f"give {here} its place in LAYERS of tests/contract/test_architecture.py"
    below = {*LAYERS[: LAYERS.index(here)], here} if path.parent != RELIGHT else set(LAYERS[: LAYERS.index(here)])
    wrong = ours(path) - below
    assert not wrong, (
        f"{path.relative_to(SHARED)} imports {sorted(wrong)}, which stand above it: turn the dependency round"
    )


@pytest.mark.parametrize(("package", "may"), [("policy", POLICY_MAY), ("resources", RESOURCES_MAY)])
def test_decisions_know_nothing_of_effects(package: str, may: set[str]) -> None:
    for path in sorted((RELIGHT / package).glob("*.py")):
        wrong = ours(path) - may
        assert not wrong, f"{package}/{path.name} imports {sorted(wrong)}; allowed: {sorted(may)}"


def test_policy_reads_no_clock_nor_chance() -> None:
    for path in sorted((RELIGHT / "policy").glob("*.py")):
        told = set(imports(path)) - {"datetime.date"}  # a day is plain data, as long as nobody asks which it is
        wrong = {name.split(".")[0] for name in told} & {"time", "datetime", "random", "os", "uuid"}
        assert not wrong, f"policy/{path.name} imports {sorted(wrong)}: a policy is a pure function of plain data"


@every_module
def test_only_what_lambda_has_is_imported(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)} - {"relight"}
    aws = found & ONLY_IN_AWS
    assert not aws or path == RELIGHT / "aws.py", f"{path.name} imports {sorted(aws)}: AWS is touched only in aws.py"
    wrong = found - OUTSIDE - ONLY_IN_AWS
    assert not wrong, f"{path.name} imports {sorted(wrong)}: at run time there are boto3 and powertools only"


@every_module
def test_only_the_standard_reads_the_environment(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    reads = [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    ]
    allowed = path == RELIGHT / "standard.py"
    assert allowed or not reads, f"{path.name}, lines {reads}: the environment is read only in standard.py"


@every_app
def test_an_app_is_an_entry_point(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 20, f"{path.parent.name}/app.py is an entry point: move its logic into the layer"
    wrong = {name for name in imports(path) if name.split(".")[0] != "relight"} | (ours(path) - FUNCTIONS_MAY)
    assert not wrong, f"{path.parent.name}/app.py imports {sorted(wrong)}; allowed: relight's {sorted(FUNCTIONS_MAY)}"
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{path.parent.name}/app.py: say in a docstring what it looks after"
    names = {
        target.id
        for n in tree.body
        if isinstance(n, ast.Assign)
        for target in n.targets
        if isinstance(target, ast.Name)
    }
    assert "handler" in names, f"{path.parent.name}/app.py: define handler"


def test_nothing_deployed_knows_of_the_local_aws() -> None:
    for path in (*MODULES, *APPS):
        wrong = [name for name in imports(path) if name.split(".")[0] in ("local", "tests", "moto")]
        assert not wrong, f"{path.name} imports {wrong}: what stands in for AWS is never deployed"


def test_a_cold_start_loads_only_what_an_event_needs() -> None:
    """boto3 would load what moves files to S3; powertools' batches, every event that there is: half a cold start."""
    program = "import sys, relight.handler; print(*sys.modules)"
    ran = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", program], env={"PYTHONPATH": str(SHARED)}, capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.split())
    assert "relight.reconcile" in loaded
    assert not loaded & {"boto3", "s3transfer", "aws_lambda_powertools.utilities.batch", "asyncio", "multiprocessing"}
