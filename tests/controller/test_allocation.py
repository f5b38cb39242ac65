"""Who is given which unit: the order, the alternatives, maintenance, and that nobody waits for ever untold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import permutations
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.allocation import HANDOVER_S, Allocation, Call, Want, in_order, in_order_of_calls
from controller.allocation import given as given_by_the_rules
from simulators.clock import run_virtual

UNITS = ("p1", "p2", "iso", "coater")


def want(owner: str, *units: str, place: int = 1, priority: int = 0, due_s: float = inf) -> Want:
    return Want(owner, "a step", units, place, priority, due_s)


def test_the_order_is_priority_then_the_end_of_the_maximum_wait_then_first_come() -> None:
    first, second = want("first", "p1", place=1), want("second", "p1", place=2)
    urgent, high = want("urgent", "p1", place=3, due_s=60.0), want("high", "p1", place=4, priority=1)
    assert in_order([second, first, urgent, high]) == [high, urgent, first, second]


def test_its_own_unit_is_preferred_and_another_one_that_can_do_it_is_taken_when_that_is_busy() -> None:
    one = want("one", "p1", "p2")
    assert given_by_the_rules([one], {"p1", "p2"}) == [(one, "p1")]
    assert given_by_the_rules([one], {"p2"}) == [(one, "p2")]


def test_whoever_can_use_two_units_leaves_the_one_that_another_needs() -> None:
    either, only = want("either", "p1", "p2", place=1), want("only", "p1", place=2)
    assert given_by_the_rules([either, only], {"p1", "p2"}) == [(either, "p2"), (only, "p1")]
    assert given_by_the_rules([either, only], {"p1"}) == [(either, "p1")]


@st.composite
def some_wants(draw: st.DrawFn) -> list[Want]:
    count = draw(st.integers(1, 5))
    choose = st.lists(st.sampled_from(UNITS), min_size=1, max_size=3, unique=True)
    return [
        want(
            f"run {n}",
            *draw(choose),
            place=n,
            priority=draw(st.integers(0, 2)),
            due_s=draw(st.sampled_from([inf, 30.0, 60.0])),
        )
        for n in range(1, count + 1)
    ]


def best_served(wants: Sequence[Want], free: set[str]) -> tuple[bool, ...]:
    """Who can be served at best, in order: nobody gives way to somebody after him. By trying everything."""
    ordered = in_order(wants)
    slots = [*free, *[""] * len(ordered)]
    vectors = (
        tuple(bool(unit) for unit in chosen)
        for chosen in set(permutations(slots, len(ordered)))
        if all(not unit or unit in one.units for unit, one in zip(chosen, ordered, strict=True))
    )
    return max(vectors)


@settings(deadline=None, max_examples=150)
@given(some_wants(), st.sets(st.sampled_from(UNITS)))
def test_no_want_is_passed_over_for_one_after_it_and_no_unit_is_given_twice(wants: list[Want], free: set[str]) -> None:
    granted = given_by_the_rules(wants, free)
    units = [unit for _, unit in granted]
    assert len(set(units)) == len(units)
    assert all(unit in free and unit in one.units for one, unit in granted)
    served = {one.owner for one, _ in granted}
    assert tuple(one.owner in served for one in in_order(wants)) == best_served(wants, free)


def test_people_come_to_what_is_soon_over_then_to_machines_that_stand_still_then_to_who_came_first() -> None:
    stack, peel = Call("a", "stack", 1), Call("b", "peel", 2)
    press = Call("c", "unload", 3, machine="p1")
    urgent = Call("d", "stack", 4, due_s=1100.0)
    later = Call("e", "stack", 5, due_s=5000.0)
    high = Call("f", "mix", 6, priority=1)
    calls = [later, peel, press, urgent, stack, high]
    assert in_order_of_calls(calls, 1000.0) == [high, urgent, press, stack, peel, later]


# ---------------------------------------------------------------------- the book


async def test_a_unit_goes_to_the_next_when_it_is_given_back() -> None:
    book = Allocation()
    first = book.ask(want("first", "iso", place=1))
    second, third = book.ask(want("second", "iso", place=2)), book.ask(want("third", "iso", place=3, priority=1))
    assert (first.done(), second.done(), third.done()) == (True, False, False)
    book.give_back("iso", "second")  # who does not have it gives nothing back
    assert book.owners == {"iso": "first"}
    book.give_back("iso", "first")
    await asyncio.sleep(2 * HANDOVER_S)
    assert third.result() == "iso"
    assert not second.done()


async def test_a_unit_out_of_service_is_passed_by_and_used_again_afterwards() -> None:
    book = Allocation()
    book.take_out("p1", "fitter", "new seal")
    assert book.ask(want("one", "p1", "p2", place=1)).result() == "p2"
    two = want("two", "p1", "p2", place=2)
    answer = book.ask(two)
    assert not answer.done()
    assert book.because(two) == "p1 is out of service (fitter: new seal); p2 works for one"
    book.put_back("p1")
    assert answer.result() == "p1"


async def test_a_unit_that_is_taken_out_stays_with_whoever_has_it_and_is_given_to_nobody_after() -> None:
    book = Allocation()
    book.ask(want("one", "iso", place=1))
    two = book.ask(want("two", "iso", place=2))
    book.take_out("iso", "fitter", "inspection")
    assert book.owners == {"iso": "one"}
    book.give_back("iso", "one")
    await asyncio.sleep(2 * HANDOVER_S)
    assert not two.done()


async def test_who_asks_again_at_once_is_served_in_his_order_and_not_after_everybody_who_waited() -> None:
    book = Allocation()
    book.ask(want("first", "coater", place=1))
    second = book.ask(want("second", "coater", place=2))
    book.give_back("coater", "first")
    assert book.ask(want("first", "coater", place=1)).result() == "coater"
    book.give_back("coater", "first")
    third = book.ask(want("third", "coater", place=3))
    await asyncio.sleep(2 * HANDOVER_S)
    assert second.result() == "coater"
    assert not third.done()


async def test_a_unit_that_is_kept_is_told_and_comes_back_when_a_person_has_looked() -> None:
    book, told = Allocation(), list[str]()
    book.ask(want("one", "iso", place=1))
    two = want("two", "iso", place=2)
    answer = book.ask(two, lambda: told.append(book.because(two)))
    book.keep("iso", "one", "densifying did not come to its end")
    assert told == ["iso is kept by one: densifying did not come to its end"]
    book.put_back("iso")
    assert answer.result() == "iso"


async def test_who_withdraws_waits_no_more_and_blocks_nobody() -> None:
    book = Allocation()
    book.ask(want("one", "iso", place=1))
    two, three = want("two", "iso", place=2), want("three", "iso", place=3)
    book.ask(two)
    last = book.ask(three)
    assert book.because(three) == "iso works for one; served before: two"
    book.withdraw(two)
    book.give_back("iso", "one")
    await asyncio.sleep(2 * HANDOVER_S)
    assert last.result() == "iso"


async def test_a_wait_that_was_cancelled_is_served_nothing_even_before_it_is_withdrawn() -> None:
    book = Allocation()
    book.ask(want("one", "iso", place=1))
    book.ask(want("two", "iso", place=2)).cancel()
    last = book.ask(want("three", "iso", place=3))
    book.give_back("iso", "one")
    await asyncio.sleep(2 * HANDOVER_S)
    assert last.result() == "iso"


def test_why_says_nothing_of_whoever_waits_for_nothing() -> None:
    assert Allocation().why("one") is None


def test_what_others_need_is_known_until_they_need_it_no_more() -> None:
    book = Allocation()
    book.register("one", {"iso", "p1"})
    book.register("two", {"iso"})
    assert book.needed_by("iso", "one") == ["two"]
    assert book.needed_by("p1", "one") == []
    book.owners["p1"] = "three"
    assert book.needed_by("p1", "one") == ["three"]
    book.unregister("two")
    assert book.needed_by("iso", "one") == []


# ---------------------------------------------------------------------- no deadlock


class FairBook(Allocation):
    """A book that looks, whenever units are given, whether somebody was passed over."""

    def _serve(self) -> None:
        before, owned = self.wants(), dict(self.owners)
        super()._serve()
        for unit in self.owners.keys() - owned.keys():
            got = next(one for one in before if one.owner == self.owners[unit])
            passed = [one for one in self.wants() if unit in one.units and in_order([one, got])[0] is one]
            assert not passed, f"{got} was given {unit} before {passed}"


step = st.tuples(
    st.lists(st.sampled_from(UNITS), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from([1.0, 5.0, 20.0]),
)
plan = st.lists(step, min_size=1, max_size=4)
outage = st.tuples(st.sampled_from(UNITS), st.floats(0.0, 60.0), st.sampled_from([10.0, 1e9]))


@settings(deadline=None, max_examples=200)
@given(
    plans=st.lists(st.tuples(plan, st.integers(0, 2), st.sampled_from([inf, 15.0])), min_size=1, max_size=6),
    outages=st.lists(outage, max_size=3),
    failing=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=3),
    leaving=st.dictionaries(st.integers(0, 5), st.floats(0.0, 60.0), max_size=2),
)
def test_every_run_ends_or_its_waiting_is_told(
    plans: list[tuple[list[tuple[tuple[str, ...], float]], int, float]],
    outages: list[tuple[str, float, float]],
    failing: set[tuple[int, int]],
    leaving: dict[int, float],
) -> None:
    """Random plans, priorities, maximum waits, maintenance, failures in a unit, and runs that are stopped meanwhile."""

    async def main() -> None:
        book, busy = FairBook(), dict[str, str]()
        ended: dict[str, str] = {}
        waiting: dict[str, Want] = {}
        clock = asyncio.get_running_loop().time

        def check() -> None:
            for one in book.wants():  # whoever waits has no unit that is free and in service
                assert all(unit in {**book.owners, **book.out, **book._handed} for unit in one.units), one

        async def run(number: int) -> None:
            (steps, priority, due_s), name = plans[number], f"run {number}"
            for place, (units, seconds) in enumerate(steps):
                wish = Want(name, f"step {place}", units, book.place_of(name), priority, clock() + due_s)
                waiting[name] = wish
                answer = book.ask(wish)
                try:
                    unit = await answer
                finally:
                    book.withdraw(wish)
                    if answer.done() and not answer.cancelled() and asyncio.current_task() in stopped:
                        book.give_back(answer.result(), name)
                del waiting[name]
                assert unit not in busy, f"{unit} has two owners"
                assert book.owners[unit] == name
                busy[unit] = name
                await asyncio.sleep(seconds)
                del busy[unit]
                if (number, place) in failing:
                    book.keep(unit, name, "it failed")
                    ended[name] = "failed"
                    return
                book.give_back(unit, name)
                check()
            ended[name] = "complete"

        async def out(unit: str, at_s: float, lasts_s: float) -> None:
            await asyncio.sleep(at_s)
            book.take_out(unit, "fitter", "maintenance")
            await asyncio.sleep(lasts_s)
            book.put_back(unit)

        stopped: set[asyncio.Task[None] | None] = set()
        runs = [asyncio.create_task(run(number)) for number in range(len(plans))]
        others = [asyncio.create_task(out(*one)) for one in outages]
        for number, at_s in sorted(leaving.items(), key=lambda item: item[1]):
            await asyncio.sleep(max(0.0, at_s - clock()))
            name = f"run {number}"
            if number < len(runs) and name in waiting and not runs[number].done():
                stopped.add(runs[number])
                runs[number].cancel()
                ended[name] = "stopped"
        await asyncio.wait(runs, timeout=10_000.0)  # far more than all steps one after the other
        check()
        for number, task in enumerate(runs):
            name = f"run {number}"
            if name not in ended:
                told = book.because(waiting[name])
                for unit in waiting[name].units:
                    assert unit in book.out or unit in book.kept, f"{name} waits for {unit} without a reason: {told}"
                    assert f"{unit} is out of service" in told or f"{unit} is kept by" in told
            if not task.done():
                task.cancel()
        for task in others:
            task.cancel()
        for result in await asyncio.gather(*runs, *others, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    run_virtual(main())
