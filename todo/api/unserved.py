"""Query parameters that name a filter, an order or a page: where a route does not serve one, it is refused.

Left out silently it would be a lost filter: the whole list where a part was asked for, or the first page for ever.
Names that nobody would take for one of these are ignored.
"""

from collections.abc import Mapping
from typing import NamedTuple

from todo.http.endpoint import plain


class Family(NamedTuple):
    """Names that mean the same, and what to do instead: where the route serves certain parameters, and otherwise."""

    names: str
    instead: Mapping[str, str]
    otherwise: str


LEAVE_OUT = "is not served here: leave it out"
PAGE = "is not served here: use limit, and follow the Link header to the next page"
IN_BODY = "is not read from the query: send it in the JSON body"


def _use(instead: str) -> str:
    return f"is not served here: use {instead}"


FAMILIES = [
    Family(
        "status completed is_completed done is_done finished pending is_pending status_filter state",
        {"status": _use("status=pending or status=completed")},
        LEAVE_OUT,
    ),
    Family("page_number p pg", {"page": _use("page")}, LEAVE_OUT),
    Family("start start_index", {"offset": _use("offset")}, LEAVE_OUT),
    Family(
        "limit cursor offset skip page page_size per_page size count top first last take max_results "
        "from to after before page_token next",
        {
            "limit cursor": PAGE,
            "limit before": PAGE,
            "limit since": "is not served here: use limit, and since with the last revision",
        },
        LEAVE_OUT,
    ),
    Family(
        "since updated_since modified_since changed_since",
        {"since": "is not served here: use since, with a revision"},
        "is not served here: GET /api/{user_id}/changes?since= lists what has changed",
    ),
    Family(
        "sort sort_by sort_order sort_dir sorting order order_by ordering direction desc asc",
        {"sort": _use("sort, such as sort=due_date, or sort=-due_date for descending")},
        "is not served here: leave it out, the order is fixed",
    ),
    Family(
        "search q query keyword keywords text term contains title description",
        {"search": _use("search")},
        LEAVE_OUT,
    ),
    Family("tag tags label labels category categories project", {"tag": _use("tag")}, LEAVE_OUT),
    Family("overdue is_overdue", {"due": _use("due=overdue")}, LEAVE_OUT),
    Family("due due_date", {"due": _use("due, or due_after and due_before")}, LEAVE_OUT),
    Family("due_before due_to due_until", {"due_before": _use("due_before")}, LEAVE_OUT),
    Family("due_after due_from due_since", {"due_after": _use("due_after")}, LEAVE_OUT),
    Family("time_zone tz", {"time_zone": _use("time_zone")}, LEAVE_OUT),
    Family("has_due_date", {"due": _use("due=none, or due_after")}, LEAVE_OUT),
    Family("remind_at reminder reminders", {"reminders_from": _use("reminders_from and reminders_to")}, LEAVE_OUT),
    Family(
        "deleted trash trashed include_deleted archived", {"status": _use("status=deleted for the trash")}, LEAVE_OUT
    ),
    Family(
        "filter filters where id ids priority priority_min importance reminders_from reminders_to recurrence "
        "recurrence_from recurring repeat position revision assignee view date start_date end_date "
        "created created_at created_after created_before created_since updated updated_at updated_after "
        "updated_before completed_at completed_after completed_before compact",
        {},
        LEAVE_OUT,
    ),
]
BODY_FIELDS = {
    *(
        "completed",
        "title",
        "description",
        "due_date",
        "time_zone",
        "priority",
        "tags",
        "recurrence",
        "recurrence_from",
    ),
    "remind_at",
}
"""Of these names: what writes take in their bodies."""


def unserved(served: frozenset[str], *, takes_body: bool) -> dict[str, tuple[str, str]]:
    """For a route that serves these query parameters: by the plain form of a name, the name and what to do instead.

    A served name stands for its other spellings: `Limit` for `limit`.
    """
    refused = {plain(name): (name, f"is given in another spelling: write {name}") for name in served}
    for family in FAMILIES:
        advice = next(
            (text for names, text in family.instead.items() if served.issuperset(names.split())), family.otherwise
        )
        for name in family.names.split():
            in_body = takes_body and name in BODY_FIELDS
            refused.setdefault(plain(name), (name, IN_BODY if in_body else advice))
    return refused
