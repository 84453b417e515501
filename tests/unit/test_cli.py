"""How the command line fails: one line that says what and the way out, and never the status that means a finding."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError
from click.testing import CliRunner, Result

from local.cli import main
from local.operate import check, deployment
from relight.errors import AwsError

KEYS = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operator"}
Failing = Callable[[Exception], None]


@pytest.fixture
def relight(tmp_path: Path) -> Callable[..., Result]:
    """The command, in an environment that holds nothing of AWS but what a test gives."""
    nothing = tmp_path / "nothing"
    nothing.touch()
    clean = {name: None for name in os.environ if name.startswith(("AWS_", "RELIGHT_"))} | {
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "NO_PROXY": "127.0.0.1",
    }

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, env=clean | environment)

    return run


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Lets the next look for the operator's credentials fail."""

    def fail(error: Exception) -> None:
        def session(*_: object) -> None:
            raise error

        monkeypatch.setattr(deployment, "session", session)

    return fail


def only_line(result: Result) -> str:
    assert result.exit_code == check.UNCHECKED, "1 would say that something violates"
    assert isinstance(result.exception, SystemExit), "a traceback is no answer"
    (line,) = result.stderr.splitlines()
    assert result.stdout == ""
    return str(line)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("command", [("check",), ("redrive",), ("cost",), ("forget", "x", "--reason", "y")])
def test_who_has_no_credentials_is_told_so(relight: Callable[..., Result], command: tuple[str, ...]) -> None:
    line = only_line(relight(*command))
    assert line.startswith(f"relight {command[0]}: ")
    assert NoCredentialsError.__name__ in line
    assert "--profile" in line


def test_where_nobody_answers_the_address_is_named(relight: Callable[..., Result]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    line = only_line(relight("check", "--endpoint-url", url, **KEYS))
    assert "EndpointConnectionError" in line
    assert url in line


def test_an_expired_token_is_to_be_renewed(relight: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(*_: object, **__: object) -> None:
        raise AwsError("sts:GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired")

    monkeypatch.setattr("relight.aws.Place.read", expired)
    line = only_line(relight("check", **KEYS))
    assert "ExpiredToken" in line
    assert "renew the credentials" in line


@pytest.mark.parametrize("url", ["http://", "http://a b", "ftp://localhost"])
def test_what_is_no_url_is_named(relight: Callable[..., Result], url: str) -> None:
    assert f"{url} is no URL: pass --endpoint-url" in only_line(relight("check", "--endpoint-url", url, **KEYS))


def test_what_is_no_profile_is_named(relight: Callable[..., Result]) -> None:
    assert "(nobody-has-it) could not be found; pass another --profile" in only_line(
        relight("check", "--profile", "nobody-has-it")
    )


def test_what_is_no_toml_is_named(relight: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text("[modes\n")
    assert str(file) in only_line(relight("cost", "--prices", str(file), "--s3-requests", "1"))


def test_what_nobody_thought_of_is_one_line_too(relight: Callable[..., Result], failing: Failing) -> None:
    failing(KeyError("Stacks\n\x1b[31m"))
    line = only_line(relight("check"))
    assert line.startswith("relight check: unexpected KeyError: ")
    assert "Stacks" in line
    assert "\x1b" not in line
    assert "RELIGHT_TRACE=1" in line


def test_where_it_happened_is_shown_to_who_asks(relight: Callable[..., Result], failing: Failing) -> None:
    failing(KeyError("Stacks"))
    result = relight("redrive", RELIGHT_TRACE="1")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "KeyError: 'Stacks'" in result.stderr


def test_a_reader_that_went_away_is_no_error_of_ours(relight: Callable[..., Result], failing: Failing) -> None:
    failing(BrokenPipeError(32, "Broken pipe"))
    assert "unexpected" not in relight("check").stderr


def test_a_wrong_option_is_clicks_to_explain(relight: Callable[..., Result]) -> None:
    result = relight("check", "--nonsense")
    assert (result.exit_code, "No such option" in result.stderr) == (2, True)
