"""Short ids: short, alone, and found again."""

import random
import uuid

import pytest
import uuid_utils

from todo.cli.remote.short_ids import ShortIds, id_of, is_whole, key_of


@pytest.mark.parametrize("make", [uuid_utils.uuid7, uuid.uuid4])
def test_they_are_short_and_each_finds_its_task_alone(make: object) -> None:
    assert callable(make)
    ids = [str(make()) for _ in range(2000)]
    known = ShortIds(ids)

    shorts = {each: known.short(each) for each in ids}

    assert all(known.matching(short) == [each] for each, short in shorts.items())
    assert sum(map(len, shorts.values())) / len(ids) < 4.6
    assert max(map(len, shorts.values())) <= 8


def test_ids_that_somebody_counted_up_are_told_apart_too() -> None:
    ids = [f"00000000-0000-4000-8000-{number:012x}" for number in range(40)]
    same_end = ["00000000-0000-4000-8000-000000000001", "10000000-0000-4000-8000-000000000001"]

    for some in (ids, same_end):
        known = ShortIds(some)
        assert all(known.matching(known.short(each)) == [each] for each in some)


def test_more_of_it_the_whole_and_the_beginning_of_an_id_are_understood() -> None:
    one, other = "01a2253b-109b-75c1-b5cc-802b6ca97ceb", "01a2253b-15c6-7274-8641-80fdad187f65"
    known = ShortIds([one, other])

    assert (known.short(one), known.short(other)) == ("802", "80f")
    assert known.matching("80") == [one, other]
    assert known.matching("802B6CA9") == known.matching(one) == known.matching("01a2253b-10") == [one]
    assert known.matching("9") == known.matching("") == known.matching("xyz") == []
    assert id_of(key_of(one)) == one
    assert is_whole(one.upper())
    assert not is_whole("802")
    assert ShortIds([]).short(one) == "802"


def test_a_new_task_lengthens_only_the_ids_that_it_resembles() -> None:
    ids = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(50)]
    near = ids[0][:-1] + ("0" if ids[0][-1] != "0" else "1")

    before, after = ShortIds(ids), ShortIds([*ids, near])

    assert len(after.short(ids[0])) == 12
    assert [*map(before.short, ids[1:])] == [*map(after.short, ids[1:])]
