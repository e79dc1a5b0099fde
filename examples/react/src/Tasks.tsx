import { useEffect, useMemo, useRef, useState } from "react";

import { ApiError, tasksOf, type Status, type Task } from "./api";
import { TaskForm } from "./TaskForm";
import { TaskItem } from "./TaskItem";

const CHANGED = "This task was changed elsewhere meanwhile. Save again to apply your changes to it as it is now.";

/** The tasks of a user: the form for a new one, the list, and the way back for the last one deleted. */
export function Tasks({ userId }: { userId: string }) {
  const calls = useMemo(() => tasksOf(userId), [userId]);
  const [status, setStatus] = useState<Status>("all");
  const [tasks, setTasks] = useState<Task[]>();
  const [version, setVersion] = useState(0); // counts what may have changed the list
  const [failure, setFailure] = useState(""); // of reading the list
  const [error, setError] = useState(""); // of the last write
  const [deleted, setDeleted] = useState<Task>();
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    let current = true; // the answer to an earlier question does not replace that to a later one
    calls.list(status).then(
      (list) => {
        if (current) setTasks(list);
        if (current) setFailure("");
      },
      (problem: Error) => current && setFailure(problem.message),
    );
    return () => void (current = false);
  }, [calls, status, version]);

  /** Make a write, show why it was refused, and read the list again. */
  async function run(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      setError("");
      return true;
    } catch (problem) {
      setError(problem instanceof ApiError && problem.status === 412 ? CHANGED : (problem as Error).message);
      return false;
    } finally {
      setVersion((count) => count + 1);
    }
  }

  async function remove(task: Task) {
    if (await run(() => calls.remove(task))) setDeleted(task);
  }

  async function restore(task: Task) {
    if (!(await run(() => calls.restore(task)))) return;
    setDeleted(undefined);
    heading.current?.focus(); // the button that had the focus is gone
  }

  return (
    <>
      <TaskForm action="Add task" onSave={(fields, key) => run(() => calls.create(fields, key))} />
      <div className="bar">
        <h2 ref={heading} tabIndex={-1}>
          Your tasks
        </h2>
        <label>
          Show{" "}
          <select value={status} onChange={(event) => setStatus(event.target.value as Status)}>
            <option value="all">all</option>
            <option value="pending">to do</option>
            <option value="completed">done</option>
          </select>
        </label>
      </div>
      {error && <p role="alert">{error}</p>}
      <div role="status">
        {deleted && (
          <p className="notice">
            Deleted: {deleted.title}{" "}
            <button key={deleted.id} autoFocus onClick={() => restore(deleted)}>
              Undo
            </button>
          </p>
        )}
      </div>
      {failure && (
        <p role="alert">
          {failure} <button onClick={() => setVersion((count) => count + 1)}>Try again</button>
        </p>
      )}
      {!tasks && !failure && <p>Loading…</p>}
      {tasks?.length === 0 && <p>{status === "all" ? "No tasks yet. Add the first one above." : "No such tasks."}</p>}
      <ul>
        {tasks?.map((task) => (
          <TaskItem
            key={task.id}
            task={task}
            onToggle={() => run(() => calls.complete(task, !task.completed))}
            onSave={(changes) => run(() => calls.update(task, changes))}
            onDelete={() => remove(task)}
          />
        ))}
      </ul>
    </>
  );
}
