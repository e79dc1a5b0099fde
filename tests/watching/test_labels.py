"""What is counted by kind has a place for every kind."""

from todo.http.rate_limit import KINDS
from todo.metrics.names import SWEPT, THROTTLED
from todo.retention import EXPIRED


def test_every_limit_has_a_kind() -> None:
    assert {*KINDS.values()} <= {*THROTTLED.values}


def test_every_kind_of_expired_rows_is_counted() -> None:
    assert {*EXPIRED} == {*SWEPT.values}
