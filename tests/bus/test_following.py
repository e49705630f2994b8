"""The follower against a service that is made up: any loss, any doubling, any restart."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_events import heartbeat, interval, warning
from rtme.bus import following
from rtme.bus.following import Follower
from rtme.bus.protocol import ErrorReply, Gone, ReplayReply, ReplayRequest, Reply, Request, SnapshotReply
from rtme.bus.standing import Standing
from rtme.errors import BusError
from rtme.events import AnyEvent


@dataclass
class Run:
    """One run of the made-up service, as it is seen by who asks it."""

    name: str
    first_seq: int
    events: list[AnyEvent]
    """What it can give: with a journal the earlier runs' too."""
    keeps: int = 10**9

    @property
    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else self.first_seq - 1

    def answer(self, wanted: Request, most: int) -> tuple[Reply, list[AnyEvent]]:
        kept = self.events[-self.keeps :]
        oldest = kept[0].seq if kept else self.last_seq + 1
        known = {"run_id": self.name, "first_seq": self.first_seq, "last_seq": self.last_seq}
        known |= {"oldest": oldest, "journal": self.first_seq > 0}
        if not isinstance(wanted, ReplayRequest):
            standing = Standing(run_id=self.name, seq=self.first_seq - 1)
            for event in self.events:
                standing.fold(event)
            return SnapshotReply.model_validate(known | {"standing": standing}), []
        if wanted.from_ > self.last_seq + 1:
            return ErrorReply.model_validate(known | {"code": "future", "error": "not yet"}), []
        page = [event for event in kept if event.seq >= wanted.from_][: min(wanted.limit, most)]
        end = page[-1].seq + 1 if page else self.last_seq + 1
        gone = [Gone(first=wanted.from_, last=oldest - 1, why="retention")] if wanted.from_ < oldest else []
        reply = {"from": wanted.from_, "events": len(page), "next": end, "gone": gone}
        return ReplayReply.model_validate(known | reply), page


@dataclass
class Heard:
    """What a follower handed on, checked as it comes."""

    events: list[AnyEvent] = field(default_factory=list)

    def take_from(self, follower: Follower) -> None:
        while (event := follower.take()) is not None:
            self.events.append(event)
            assert (follower.run_id, follower.last_seq) == (event.run_id, event.seq)


def numbered(run: str, first: int, count: int) -> list[AnyEvent]:
    kinds = [warning(), interval("provisional"), heartbeat(), interval("closed")]
    return [
        kinds[seq % 4].model_copy(update={"run_id": run, "seq": seq}) for seq in range(first, first + count)
    ]


# One number a case: what is done at each of hundreds of steps would be too much to draw.
chances = st.integers(0, 2**32).map(Random)


def services(chance: Random, journal: bool, most: int = 4) -> list[Run]:
    runs: list[Run] = []
    before: list[AnyEvent] = []
    seq = 0
    for number in range(chance.randint(1, most)):
        events = numbered(f"run{number}", seq, chance.randint(0, 15))
        runs.append(Run(f"run{number}", seq, before + events))
        if journal:
            before = before + events
            seq += len(events)
    return runs


def settle(follower: Follower, run: Run, heard: Heard, most: int = 1000) -> None:
    """Ask and answer until nothing is wanted."""
    for _ in range(200):
        heard.take_from(follower)
        wanted = follower.wanted()
        if wanted is None:
            return
        follower.answer(*run.answer(wanted, most))
    raise AssertionError(f"the follower never stops asking: {follower.wanted()}")


def live(chance: Random, run: Run) -> list[AnyEvent]:
    """What arrives of a run: any of its events, some of them twice, in order, but for the newest, which arrives."""
    own = [event for event in run.events if event.run_id == run.name]
    arrives: list[AnyEvent] = []
    for event in own[:-1]:
        arrives += [event] * chance.randint(0, 2)
        if arrives and chance.random() < 0.1:
            arrives.append(chance.choice(arrives))
    return arrives + own[-1:]


@settings(max_examples=300)
@given(chances)
def test_with_a_journal_every_event_comes_once_and_in_order(chance: Random) -> None:
    runs = services(chance, journal=True)
    everything = runs[-1].events
    first = chance.randint(0, len(everything))
    follower, heard = Follower(first), Heard()
    most = chance.randint(1, 20)
    asked: list[tuple[Run, Request]] = []
    alive = [run for run in runs if run.last_seq >= first - 1] or runs[-1:]
    for run in alive:
        for event in live(chance, run):
            follower.hear(event, 0)
            if chance.random() < 0.5 and (wanted := follower.wanted()) is not None:
                asked.append((run, wanted))
            if chance.random() < 0.5:
                heard.take_from(follower)
            # An answer may come late, even from a run that has ended, and twice.
            if asked and chance.random() < 0.5:
                by, question = chance.choice(asked)
                follower.answer(*by.answer(question, most))
    settle(follower, runs[-1], heard, most)
    for event in everything[-1:]:
        follower.hear(event, 0)
    settle(follower, runs[-1], heard, most)
    assert [event.seq for event in heard.events] == list(range(first, len(everything)))
    assert heard.events == everything[first:]
    assert follower.missed == 0


@settings(max_examples=300)
@given(chances)
def test_without_a_journal_each_run_begins_at_0_and_what_it_still_has_comes_once(chance: Random) -> None:
    runs = services(chance, journal=False)
    follower, heard = Follower(), Heard()
    most = chance.randint(1, 20)
    for run in runs:
        for event in live(chance, run):
            follower.hear(event, 0)
            heard.take_from(follower)
            if chance.random() < 0.5 and (wanted := follower.wanted()) is not None:
                follower.answer(*run.answer(wanted, most))
    settle(follower, runs[-1], heard, most)
    for run in runs:
        seqs = [event.seq for event in heard.events if event.run_id == run.name]
        assert seqs == sorted(set(seqs))
    sizes = [len(run.events) for run in runs]
    order = [run.name for run in runs]
    assert [event.run_id for event in heard.events] == sorted(
        (event.run_id for event in heard.events), key=order.index
    )
    # Of the last run nothing is lost; it could be asked for all of it, but for what was before the first heard.
    if sizes[-1] and len({event.run_id for event in heard.events}) > 1:
        last = [event for event in heard.events if event.run_id == runs[-1].name]
        assert last == runs[-1].events
    assert follower.missed == sum(follower.missed_why.values())


@settings(max_examples=300)
@given(chances)
def test_without_replay_what_arrives_comes_once_and_the_rest_is_counted(chance: Random) -> None:
    [run] = services(chance, journal=False, most=1)
    follower, heard = Follower(), Heard()
    arrives = live(chance, run)
    for event in arrives:
        follower.hear(event, 0)
        if follower.wanted() is not None:
            follower.give_up("no_replay", "nobody answers")
        heard.take_from(follower)
    once = list({event.seq: event for event in arrives}.values())
    assert heard.events == sorted(once, key=lambda event: event.seq)
    begun = once[0].seq if once else 0
    assert follower.missed == len(run.events) - begun - len(once)
    assert follower.missed_why == Counter({"no_replay": follower.missed} if follower.missed else {})


@settings(max_examples=300)
@given(chances)
def test_a_late_joiner_knows_how_things_stand_after_each_event(chance: Random) -> None:
    runs = services(chance, journal=chance.random() < 0.5)
    run = runs[-1]
    own = [event for event in run.events if event.run_id == run.name]
    cut = chance.randint(0, len(own))
    asked_at = Run(run.name, run.first_seq, run.events[: len(run.events) - len(own) + cut])
    follower, heard = Follower("snapshot"), Heard()
    early = chance.randint(0, cut)
    for event in own[early:cut]:
        follower.hear(event, 0)
    assert follower.take() is None
    wanted = follower.wanted()
    assert wanted is not None
    follower.answer(*asked_at.answer(wanted, 1000))
    for event in own[cut:]:
        if chance.random() < 0.5:
            follower.hear(event, 0)
    settle(follower, run, heard)
    assert heard.events == own[cut:]
    truth = Standing(run_id=run.name, seq=run.first_seq - 1)
    for event in run.events:
        truth.fold(event)
    assert follower.standing == truth
    assert (follower.last_seq, follower.missed) == (run.last_seq, 0)


def test_what_retention_removed_is_counted_and_what_is_held_is_not_lost() -> None:
    events = numbered("run", 0, 100)
    run = Run("run", 0, events, keeps=10)
    follower, heard = Follower(), Heard()
    for seq in (3, 50, 51, 99):
        follower.hear(events[seq], 0)
    settle(follower, run, heard)
    assert [event.seq for event in heard.events] == [3, 50, 51, *range(90, 100)]
    assert follower.missed == 46 + 38
    assert follower.missed_why == Counter(retention=84)


def test_a_number_that_was_never_sent_goes_on_from_the_oldest_and_says_so() -> None:
    run = Run("run", 0, numbered("run", 0, 5))
    follower, heard = Follower(1000), Heard()
    settle(follower, run, heard)
    assert [event.seq for event in heard.events] == [0, 1, 2, 3, 4]
    assert follower.note is not None
    assert "1000" in follower.note


def test_a_stored_number_of_another_run_is_not_taken_for_this_ones() -> None:
    run = Run("second", 0, numbered("second", 0, 50))
    follower, heard = Follower(20, run_id="first"), Heard()
    settle(follower, run, heard)
    assert [event.seq for event in heard.events] == list(range(50))
    assert follower.restarts == 1


def test_a_stored_number_of_an_earlier_run_goes_on_where_there_is_a_journal() -> None:
    events = numbered("first", 0, 30) + numbered("second", 30, 20)
    follower, heard = Follower(20, run_id="first"), Heard()
    settle(follower, Run("second", 30, events), heard)
    assert heard.events == events[20:]
    assert (follower.restarts, follower.missed) == (1, 0)


def test_a_stored_number_of_a_service_that_is_not_there_yet_loses_nothing_of_its_new_count() -> None:
    run = Run("second", 0, numbered("second", 0, 5))
    follower, heard = Follower(5000), Heard()
    follower.give_up("no_replay", "nobody is there")
    for event in run.events:
        follower.hear(event, 0)
    settle(follower, run, heard)
    assert heard.events == run.events


def test_no_more_is_wanted_than_is_taken() -> None:
    run = Run("run", 0, numbered("run", 0, 5000))
    follower = Follower(0)
    for _ in range(20):
        if (wanted := follower.wanted()) is not None:
            follower.answer(*run.answer(wanted, 1000))
    assert follower.take() is not None
    assert follower.wanted() is None or len(list(iter(follower.take, None))) < 2000


def test_it_is_full_before_it_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "HELD", 10)
    follower = Follower(0)
    for event in numbered("run", 5, 10):
        assert not follower.full
        follower.hear(event, 0)
    assert follower.full


def test_it_lags_while_what_was_sent_over_a_second_ago_is_not_taken() -> None:
    second = 1_000_000_000
    follower = Follower()
    for event in numbered("run", 0, 4):
        follower.hear(event, 0)
    assert not follower.lagging(second // 2)
    assert follower.lagging(2 * second)
    Heard().take_from(follower)
    assert not follower.lagging(2 * second)


@pytest.mark.parametrize("start", ["then", -1, 2**63])
def test_a_start_that_is_none_is_one_sentence(start: str | int) -> None:
    with pytest.raises(BusError, match="`now`, `snapshot` or the number"):
        Follower(start)
