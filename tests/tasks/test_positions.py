"""Sort keys: between any two fits another one, and many in one place stay short."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.tasks.positions import DIGITS, LONG, between, spread

FIRST, LAST = "ffd0e7c4b0a1fV", "ffd0e7c4b0a2fV"

keys = st.text(DIGITS, min_size=1, max_size=30).filter(lambda key: not key.endswith("0"))
MOST = 100
"""Characters that the database allows."""


def test_the_digits_are_in_the_order_of_their_bytes() -> None:
    assert DIGITS.encode() == bytes(sorted(DIGITS.encode()))


@given(st.one_of(st.none(), keys), st.one_of(st.none(), keys))
def test_between_two_keys_lies_another_that_does_not_end_in_zero(one: str | None, other: str | None) -> None:
    if one is not None and other is not None and one >= other:
        one, other = other, one
    if one == other and one is not None:
        with pytest.raises(ValueError, match="no key"):
            between(one, other)
        return

    key = between(one, other)

    assert (one or "") < key
    assert other is None or key < other
    assert not key.endswith("0")
    assert len(key) <= max(len(one or ""), len(other or "")) + 3


def test_keys_in_the_wrong_order_have_none_between() -> None:
    with pytest.raises(ValueError, match="no key"):
        between(LAST, FIRST)


@given(keys, keys, st.integers(1, 300))
def test_spread_keys_are_in_order_and_leave_room(one: str, other: str, count: int) -> None:
    if one == other:
        return
    one, other = sorted((one, other))

    found = [one, *spread(one, other, count), other]

    assert found == sorted(set(found))
    assert all(len(between(low, high)) <= len(low) + 3 for low, high in pairwise(found[1:-1]))


def test_spread_keys_between_the_ends_are_short() -> None:
    assert max(map(len, spread(None, None, 10_000))) <= 6


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_moves_have_the_effect_that_they_have_on_a_list(moves: list[tuple[int, int]]) -> None:
    tasks = list(range(10))
    positions = dict(zip(tasks, spread(None, None, 10), strict=True))
    for task, place in moves:
        tasks.remove(task)
        before = positions[tasks[place - 1]] if place else None
        behind = positions[tasks[place]] if place < len(tasks) else None
        positions[task] = between(before, behind)
        tasks.insert(place, task)

        assert sorted(positions, key=lambda each: positions[each]) == tasks


@pytest.mark.parametrize(
    "gap", [lambda _: 0, lambda order: len(order) - 2], ids=["behind the first", "before the last"]
)
def test_ten_thousand_in_one_gap_stay_short(gap: Callable[[list[str]], int]) -> None:
    order = [FIRST, LAST]
    for _ in range(10_000):
        place = gap(order)
        order.insert(place + 1, between(order[place], order[place + 1]))

    assert order == sorted(set(order))
    assert max(map(len, order)) <= 20


@pytest.mark.parametrize("at_the_front", [True, False])
def test_ten_thousand_at_an_end_do_not_grow(at_the_front: bool) -> None:
    order = [FIRST]
    for _ in range(10_000):
        if at_the_front:
            order.insert(0, between(None, order[0]))
        else:
            order.append(between(order[-1], None))

    assert order == sorted(set(order))
    assert max(map(len, order)) == len(FIRST)


def test_a_new_task_still_comes_before_ten_thousand_that_were_moved_to_the_front() -> None:
    """A microsecond is one of the digits before the last; a thousand later, the next task is made."""
    later = f"{int(FIRST[:-1], 16) - 1000:013x}V"
    key = FIRST
    for _ in range(10_000):
        key = between(None, key)

    assert later < key


def test_alternating_sides_make_eighty_keys_before_they_are_long() -> None:
    low, high, count = FIRST, LAST, 0
    while len(key := between(low, high)) <= LONG:
        low, high = (key, high) if count % 2 else (low, key)
        count += 1

    assert count >= 80
    assert len(key) <= MOST
