"""The arithmetic of `relight cost`, its price table, and its use without AWS."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from local.cli import main
from local.operate import cost
from local.operate.cost import Estimate, Line, arithmetic, kept, product
from local.operate.deployment import OperatorError
from local.operate.prices import SHIPPED, UNITS, Price, read, text
from local.operate.volumes import Volume
from relight.policy import CONTROLS

TIERED = Price("GB", 1, ((0, 0.50), (10, 0.25), (30, 0.10)), "https://example.com", date(2025, 10, 28))
FLAT = Price("events", 100_000, ((0, 0.10),), "https://example.com", date(2025, 7, 1))
UNKNOWN = Volume(None, "not known: nobody counts it; give --option N")
GIVEN = ("--s3-requests", "12000000", "--network-events", "50000", "--management-events", "300000", "--copies", "2")


def relight(*arguments: str) -> Result:
    """The command where there are no credentials, and AWS would not answer."""
    nobody = dict.fromkeys(("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION"))
    elsewhere = {"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    return CliRunner().invoke(
        main, ["cost", *arguments], env={**nobody, **elsewhere, "AWS_EC2_METADATA_DISABLED": "true"}
    )


# --------------------------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("price", "amount", "usd", "said"),
    [
        pytest.param(FLAT, 12_000_000, 12.00, "12,000,000 events x 0.10 / 100,000", id="per 100,000"),
        pytest.param(FLAT, 1, 1e-6, "1 events x 0.10 / 100,000", id="no rounding up to the next 100,000"),
        pytest.param(FLAT, 0, 0, "0 events x 0.10 / 100,000", id="nothing"),
        pytest.param(TIERED, 10, 5.00, "10 GB x 0.50", id="the whole first tier"),
        pytest.param(TIERED, 12, 5.50, "10 GB x 0.50 + 2 GB x 0.25", id="into the second"),
        pytest.param(TIERED, 130, 20.00, "10 GB x 0.50 + 20 GB x 0.25 + 100 GB x 0.10", id="into the last"),
        pytest.param(TIERED, 0.25, 0.125, "0.25 GB x 0.50", id="a part of a GB"),
    ],
)
def test_what_an_amount_costs(price: Price, amount: float, usd: float, said: str) -> None:
    assert price.usd(amount) == pytest.approx(usd)
    assert arithmetic(price, amount) == said.replace("x", cost.TIMES)


def test_what_is_unknown_costs_nothing_that_anybody_could_say() -> None:
    lines = (Line("known", "data-events", Volume(100_000, "given")), Line("unknown", "data-events", UNKNOWN))
    estimate = Estimate(lines, read(), ())
    assert [estimate.of(line) for line in lines] == [pytest.approx(0.10), None]
    assert not estimate.complete
    assert estimate.usd == pytest.approx(0.10)
    assert cost.data(estimate)["lines"][1] | {"price": None} == {
        "what": "unknown",
        "amount": None,
        "unit": "events",
        "source": UNKNOWN.source,
        "usd": None,
        "price": None,
    }
    assert arithmetic(FLAT, None).startswith("? events")


@pytest.mark.parametrize(
    ("copies", "events", "amount"),
    [
        (Volume(2, "read"), Volume(300_000, "given"), 600_000),
        (UNKNOWN, Volume(300_000, "given"), None),
        (Volume(2, "read"), UNKNOWN, None),
    ],
)
def test_copies_times_events(copies: Volume, events: Volume, amount: float | None) -> None:
    found = product(copies, events)
    assert found.amount == amount
    assert copies.source in found.source
    assert events.source in found.source


def test_what_is_kept_is_what_its_days_come_to() -> None:
    assert kept(Volume(30, "given"), 365).amount == 365
    assert kept(UNKNOWN, 365).amount is None


# -------------------------------------------------------------------------------------------------------- price table


def test_the_shipped_prices_are_those_that_the_controls_tell() -> None:
    prices = read()
    told = {name: control.costs for name, control in CONTROLS.items()}
    assert f"{prices['data-events'].usd(100_000):.2f} for 100,000" in told["trail.s3-data-events"]
    assert f"{prices['network-activity-events'].usd(100_000):.2f} for 100,000" in told["trail.network-activity-events"]
    assert f"{prices['management-event-copies'].usd(100_000):.2f} for 100,000" in told["trail.logging"]
    assert f"{prices['flow-logs-to-cloudwatch'].usd(1):.2f} a GB that CloudWatch" in told["vpc.flow-logs"]
    assert f"{prices['flow-logs-to-s3'].usd(1):.2f} a GB where it goes to S3" in told["vpc.flow-logs"]
    assert f"{prices['cloudwatch-ingestion'].usd(1):.2f} a GB" in told["trail.cloudwatch-logs"]
    assert f"{prices['cloudwatch-storage'].usd(1):.2f} a GB" in told["logs.retention"]


def test_the_shipped_table_is_dated_and_says_where_it_is_from() -> None:
    prices = read()
    for name in UNITS:
        assert prices[name].source.startswith("https://aws.amazon.com/")
        assert prices[name].as_of >= date(2025, 7, 1)


def test_a_table_of_ones_own_is_shown_and_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    shown = relight("--show-prices")
    mine.write_text(shown.output.replace("[[0, 0.10]]", "[[0, 0.30]]"), encoding="utf-8")
    assert (shown.exit_code, shown.output) == (0, text(SHIPPED))

    result = relight(*GIVEN, "--flow-log-gb", "0", "--prices", str(mine), "--output", "json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["lines"][0]["usd"] == 36.00
    assert relight("--show-prices", "--prices", str(mine)).output == mine.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('unit = "GB"', 'unit = "TB"', "flow-logs-to-cloudwatch.unit is 'TB': it must be 'GB'"),
        ("per = 100_000", "per = 0", "data-events.per is 0"),
        ("per = 100_000", "per = true", "data-events.per is True"),
        ("[[0, 0.10]]", "0.10", "data-events.tiers is 0.1"),
        ("[[0, 0.10]]", "[]", "data-events.tiers is []"),
        ("[[0, 0.10]]", "[[1, 0.10]]", "data-events.tiers is [[1, 0.1]]"),
        ("[[0, 0.10]]", "[[0, -0.10]]", "data-events.tiers is [[0, -0.1]]"),
        ("[[0, 0.10]]", "[[0, nan]]", "data-events.tiers is [[0, nan]]"),
        ("[10_240, 0.25]", "[30_720, 0.25]", "flow-logs-to-cloudwatch.tiers"),
        ("as_of = 2025-07-01", 'as_of = "today"', "data-events.as_of is 'today'"),
        ("as_of = 2025-07-01\n", "", "[data-events] must have unit, per, tiers, source, as_of"),
        ("[data-events]", "[date-events]", "it must have region and data-events"),
        ("[data-events]", "[data-events", "price table"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, before: str, after: str, named: str) -> None:
    mine = tmp_path / "mine.toml"
    shipped = text(SHIPPED)
    assert before in shipped
    mine.write_text(shipped.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(OperatorError) as refused:
        read(mine)
    assert named in str(refused.value)
    assert str(mine) in str(refused.value)
    assert "--show-prices" in str(refused.value)


def test_a_table_that_is_not_there_is_named() -> None:
    result = relight(*GIVEN, "--prices", "/nowhere/mine.toml")
    assert (result.exit_code, "/nowhere/mine.toml could not be read" in result.output) == (2, True), result.output


# -------------------------------------------------------------------------------------------------------- without AWS


def test_all_volumes_given_need_no_aws() -> None:
    result = relight(*GIVEN, "--flow-log-gb", "40", "--retention-days", "30")
    assert result.exit_code == 0, result.output
    # 12.00 + 0.05 + twice 6.00 for three copies, the first free, + 20.00 + 1.20
    assert "45.25 US dollars a month" in result.output
    assert f"12,000,000 events {cost.TIMES} 0.10 / 100,000" in result.output
    assert "2025-07-01, https://aws.amazon.com/cloudtrail/pricing/" in " ".join(result.output.split())


def test_flow_logs_may_go_to_s3() -> None:
    result = relight(
        *GIVEN, "--flow-log-gb", "40", "--retention-days", "30", "--flow-logs-to", "s3", "--output", "json"
    )
    assert [line["usd"] for line in json.loads(result.output)["lines"][3:]] == [10.00, 0.92]


def test_no_copies_need_no_number_of_events() -> None:
    result = relight("--s3-requests", "0", "--network-events", "0", "--copies", "0", "--flow-log-gb", "0")
    assert (result.exit_code, "\n0.00 US dollars a month." in result.output) == (0, True), result.output


@pytest.mark.parametrize("arguments", [(), ("--region", "us-east-1")], ids=["no Region", "no credentials"])
def test_where_aws_cannot_be_asked_the_way_out_is_named(arguments: tuple[str, ...]) -> None:
    result = relight(*GIVEN, *arguments)
    assert result.exit_code == 2, result.output
    assert "pass" in result.output
    assert "--flow-log-gb: then AWS is not asked" in result.output


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "much"])
def test_what_is_no_volume_is_refused(value: str) -> None:
    result = relight(*GIVEN, "--flow-log-gb", value)
    assert (result.exit_code, "--flow-log-gb" in result.output) == (2, True), result.output
