"""What may keep an action on changes from being done, as facts: each interface words its own advice."""


class ChangeError(Exception):
    """The action was not done."""


class ChangeNotFound(ChangeError):  # noqa: N818 # a fact
    """There is no such change of this user, or it is no longer kept."""


class ChangesNotKept(ChangeError):  # noqa: N818 # a fact
    """The changes after `revision` are no longer kept, or it is newer than all there are."""

    def __init__(self, revision: int) -> None:
        super().__init__(revision)
        self.revision = revision


class CannotUndoPurge(ChangeError):  # noqa: N818 # a fact
    """Nothing is left of the task."""


class ConflictingChange(ChangeError):  # noqa: N818 # a fact
    """A later change of the same task altered the same fields."""

    def __init__(self, revision: int, kind: str, *, undid_it: bool) -> None:
        super().__init__(revision)
        self.revision = revision
        self.kind = kind
        self.undid_it = undid_it
        """Whether that change has undone this one already."""
