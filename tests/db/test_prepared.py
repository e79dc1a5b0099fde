"""Statements that a connection prepares: a bounded number of them."""

from todo.db.prepared import MAX_COUNTED, MAX_PREPARED, PreparedStatements


def test_a_connection_prepares_a_bounded_number_of_statements() -> None:
    prepared = PreparedStatements()
    prepared.threshold = 0

    for number in range(MAX_PREPARED + 50):
        key = (b"select %d" % number, ())
        if (name := prepared.name_to_prepare(key)) is not None:
            prepared.add(key, name)

    assert prepared.name_of((b"select %d" % (MAX_PREPARED - 1), ()))
    assert prepared.name_of((b"select %d" % MAX_PREPARED, ())) is None


def test_it_counts_the_uses_of_a_bounded_number() -> None:
    prepared = PreparedStatements()
    prepared.threshold = 5

    for number in range(3 * MAX_COUNTED):
        prepared.name_to_prepare((b"select %d" % number, ()))

    assert len(prepared._uses) <= MAX_COUNTED
