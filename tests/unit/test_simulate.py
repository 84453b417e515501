"""The model of an organisation, on cases whose answer can be worked out by hand."""

from __future__ import annotations

from io import StringIO

import pytest
from click.testing import CliRunner

from local import simulate
from local.cli import main
from local.queueing import Pool, Process, Quota, World
from local.show import Screen
from local.simulate import Drift, Hub, Organisation, attack, day, percentile

# Two hops, AssumeRole, 15 calls to the member, a read, four writes and a message at home, and what is beside them.
ALONE = 2 * 0.5 + 0.05 + 15 * 0.15 + 6 * 0.05 + 0.1


def plain(**given: int) -> Organisation:
    """Without delays and cold starts."""
    return Organisation(**{"delays": False, **given})  # type: ignore[arg-type]  # delays is a bool


def stopped(*places: int) -> list[Drift]:
    """A trail is stopped at once in each of these places."""
    return [Drift(0.0, place, "StopLogging") for place in places]


def test_a_quota_lets_calls_through_evenly() -> None:
    quota = Quota(2)
    assert [quota.take(0.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    assert (quota.calls, quota.busiest, quota.longest) == (4, 2, 1.5)
    assert quota.take(10.0) == 10.0, "what was not used is not saved up, nor owed"


def test_calls_one_after_another_take_what_their_quota_asks() -> None:
    quota = Quota(10)
    assert quota.take(0.0, 5) == pytest.approx(0.4)
    assert quota.longest == 0.0, "that is their own pace, no wait"
    assert quota.take(0.0, 5) == pytest.approx(0.9)
    assert quota.longest == pytest.approx(0.5)


def staying(world: World, pool: Pool, at: float, ends: list[float], began: list[float] | None = None) -> Process:
    """Holds a place for two seconds; in `began`, when those asked that were served, in their order."""
    yield at
    now = yield pool
    if began is not None:
        began.append(at)
    now = yield now + 2.0
    world.leave(pool, now)
    ends.append(now)


def test_a_pool_serves_in_the_order_of_asking() -> None:
    world, pool, ends = World(), Pool(2), list[float]()
    began: list[float] = []
    for at in (0.0, 0.0, 1.0, 1.5, 9.0):
        world.begin(staying(world, pool, at, ends, began))
    world.run()
    assert ends == [2.0, 2.0, 4.0, 4.0, 11.0]
    assert began == [0.0, 0.0, 1.0, 1.5, 9.0], "who asked first is served first"
    assert (pool.most_held, pool.most_waiting, pool.held) == (2, 2, 0)


def test_a_place_that_stood_empty_for_long_has_to_start() -> None:
    world, pool, ends = World(), Pool(1, start=1.0, kept=5.0), list[float]()
    for at in (0.0, 4.0, 20.0):
        world.begin(staying(world, pool, at, ends))
    world.run()
    assert ends == [3.0, 6.0, 23.0]


def test_one_drift_takes_the_sum_of_its_steps() -> None:
    result = Hub(plain()).run(stopped(0))
    assert result.repaired == [pytest.approx(ALONE)]
    assert (result.events, result.executions, result.pool.most_waiting) == (1, 1, 0)
    assert result.seconds == pytest.approx(ALONE - 2 * 0.5), "Lambda is paid from its start"


def test_what_happens_elsewhere_at_the_same_time_does_not_delay() -> None:
    result = Hub(plain(put_events=10**9, assume_role=10**9)).run(stopped(*range(5)))
    assert result.repaired == [pytest.approx(ALONE, abs=0.02)] * 5


def test_cloudtrail_takes_one_writing_call_a_second_from_a_region() -> None:
    """Of six StopLogging at once, the last is let through after five seconds.

    The first repair has to wait for that, and the others follow each other as the calls did.
    """
    result = Hub(plain()).run(stopped(0, 0, 0, 0, 0, 0))
    (writes,) = result.quotas["CloudTrail writes, a member's Region"]
    assert (writes.calls, writes.busiest) == (12, 1)
    # It is asked for after 2 hops, AssumeRole, what is beside calls, and 14 reads; the intruder's have all up to 5.
    asked = 1.0 + 0.05 + 0.1 + 14 * 0.15
    assert result.repaired == [pytest.approx(ALONE + 6.0 - asked)] * 6


def test_with_one_execution_at_a_time_they_queue() -> None:
    result = Hub(plain(concurrency=1, put_events=10**9, assume_role=10**9)).run(stopped(*range(10)))
    each = ALONE - 2 * 0.5
    assert sorted(result.repaired) == [pytest.approx(1.0 + each * (n + 1), abs=0.01) for n in range(10)]
    assert (result.pool.most_held, result.pool.most_waiting) == (1, 9)


def test_assume_role_is_asked_for_at_the_rate_of_its_quota() -> None:
    result = Hub(plain(put_events=10**9, invocations=10**9, assume_role=5)).run(stopped(*range(11)))
    assert max(result.repaired) == pytest.approx(ALONE + 10 / 5, abs=0.01)
    (quota,) = result.quotas["STS AssumeRole, hub"]
    assert quota.calls == 11
    assert quota.longest == pytest.approx(2.0)


def test_a_repair_causes_events_that_cost_but_repair_nothing() -> None:
    """UpdateTrail concerns two functions, and so does the UpdateTrail that repairs it."""
    result = Hub(plain()).run([Drift(0.0, 0, "UpdateTrail")])
    assert (result.events, result.executions, len(result.repaired)) == (2, 4, 1)


def test_what_it_costs() -> None:
    result = Hub(plain()).run(stopped(0))
    events, functions = 1e-6, 0.20e-6 + 1e-6 + (ALONE - 1.0) * 0.5 * 16.6667e-6
    ledger, message = 4 * 4 * 0.625e-6 + 1 * 0.125e-6, 0.5e-6
    assert result.dollars == pytest.approx(events + functions + ledger + message)


def test_the_delay_of_an_event_is_as_assumed() -> None:
    hub = Hub(Organisation(), seed=1)
    delays = [hub._delay() for _ in range(20_000)]  # noqa: SLF001 (its own test)
    assert percentile(delays, 50) == pytest.approx(simulate.DELAY_MEDIAN, rel=0.05)
    assert percentile(delays, 99) == pytest.approx(simulate.DELAY_99TH, rel=0.1)


def test_a_run_is_repeated_by_its_seed() -> None:
    small = Organisation(accounts=5, regions=2)
    first, again, other = (Hub(small, seed).run(attack(small, seed)) for seed in (3, 3, 4))
    assert first.repaired == again.repaired
    assert first.repaired != other.repaired


def test_the_day_and_the_attack_are_as_large_as_said() -> None:
    small = Organisation(accounts=20, regions=5)
    happened = list(day(small))
    assert len([each for each in happened if each.name]) == 100 * simulate.DRIFTS
    assert len([each for each in happened if not each.name]) == 100 * simulate.LOOKS
    assert len({(each.place, each.name) for each in attack(small)}) == 100 * len(simulate.MEASURED)
    assert all(0 <= each.at <= simulate.ATTACK for each in attack(small))


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [([], 50, 0), ([7], 99, 7), ([1, 2, 3, 4], 50, 2), (range(1, 101), 99, 99), (range(1, 102), 99, 100)],
)
def test_percentiles(values: list[float], percent: float, wanted: float) -> None:
    assert percentile(values, percent) == wanted


def test_executions_that_would_time_out_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "TIMEOUT", 1)
    out = StringIO()
    assert simulate.show(Screen(out), Organisation(accounts=2, regions=1), 0) == 1
    assert "some time out" in out.getvalue()


def test_the_command_prints_both_tables() -> None:
    done = CliRunner().invoke(main, ["simulate", "--accounts", "20", "--regions", "2", "--seed", "7"])
    assert done.exit_code == 0
    assert "20 accounts in 2 Regions, seed 7" in done.output
    for row in ("Time to repair, 99th percentile", "Greatest queue", "US dollars", "STS AssumeRole"):
        assert row in done.output


@pytest.mark.parametrize("option", ["--accounts", "--regions", "--concurrency"])
def test_nonsense_is_refused(option: str) -> None:
    done = CliRunner().invoke(main, ["simulate", option, "0"])
    assert done.exit_code == 2
    assert option in done.output
