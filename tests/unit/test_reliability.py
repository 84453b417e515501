"""What the README's table of reliability takes from the commands that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local import reliability
from local.reliability import Trial


def printing(*lines: str, status: int = 0, prefix: str = "") -> Trial:
    code = f"print({chr(10).join(lines)!r}); raise SystemExit({status})"
    return Trial("x", "something", "make x", ("-c", code), prefix=prefix)


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        pytest.param(printing("at work", "3 of 3", ""), "3 of 3", id="the-last-line"),
        pytest.param(printing("x: 1", "  x: so far", "x: 2", "done", prefix="x: "), "1; 2", id="the-lines-of-its-own"),
        pytest.param(printing(), "", id="nothing"),
    ],
)
def test_what_a_trial_says(trial: Trial, said: str) -> None:
    assert reliability._run(trial) == (0, said)  # noqa: SLF001 (its own test)


def test_a_trial_that_failed_is_kept_and_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- reliability:begin -->\n<!-- reliability:end -->\n", encoding="utf-8")
    monkeypatch.setattr(reliability, "README", readme)
    monkeypatch.setattr(reliability, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(reliability, "TRIALS", (printing("1 lost", status=3),))
    monkeypatch.setattr("sys.argv", ["reliability"])
    assert reliability.main() == 3
    assert json.loads((tmp_path / "kept.json").read_text(encoding="utf-8"))["x"]["status"] == 3
    assert "| something | `make x` | **Failed** with exit status 3. 1 lost |" in readme.read_text(encoding="utf-8")
