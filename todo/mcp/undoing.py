"""The tool that takes changes back."""

from todo.client import AsyncClient, NotFound
from todo.client.agents import AgentUndo
from todo.mcp.answers import ROWS, Answer, plain, present, task_data
from todo.mcp.arguments import UndoOf

NO_CHANGE = "There is no such change: call history to find its revision."
ME = "me"
"""In place of an agent's id: the agent that calls."""


async def undo(client: AsyncClient, arguments: UndoOf) -> Answer:
    """One change, with those that were made together with it; or all of this agent's since a time."""
    if arguments.revision is not None:
        return await _one(client, arguments, arguments.revision)
    try:
        done = await client.undo_agent(ME, since=arguments.since, dry_run=arguments.dry_run, key=arguments.key)
    except NotFound:  # one that has changed nothing yet
        done = AgentUndo(undone=0, tasks=0)
    revisions = () if arguments.dry_run else done.revisions
    data = {
        "undone": done.undone,
        "tasks": done.tasks,
        "conflicts": [plain(each) for each in done.conflicts[:ROWS]],
        "conflict_count": len(done.conflicts),
        **present(undo_revision=revisions[-1] if revisions else None, dry_run=arguments.dry_run),
        **present(undo_revisions=[*reversed(revisions)] if len(revisions) > 1 else None),
    }
    said = f"Changes taken back: {done.undone}; tasks with conflicts, which somebody changed afterwards: "
    return Answer(arguments.says(f"{said}{len(done.conflicts)}."), data)


async def _one(client: AsyncClient, arguments: UndoOf, revision: int) -> Answer:
    change = await client.undo(revision, dry_run=arguments.dry_run, key=arguments.key)
    data = {
        "undone": 1,
        **present(task=change.task and task_data(change.task), dry_run=arguments.dry_run),
        **present(undo_revision=None if arguments.dry_run else change.revision),
    }
    return Answer(arguments.says("It is taken back, with the changes that were made together with it."), data)
