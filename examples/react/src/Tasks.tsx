import { useRef, useState } from "react";

import type { Status, Task } from "./api";
import { TaskForm } from "./TaskForm";
import { TaskItem } from "./TaskItem";
import { useTasks } from "./useTasks";

/** The tasks of a user: the form for a new one, the list, and the way back for the last one deleted. */
export function Tasks({ userId }: { userId: string }) {
  const [status, setStatus] = useState<Status>("all");
  const { calls, tasks, failure, error, run, reload } = useTasks(userId, status);
  const [deleted, setDeleted] = useState<Task>();
  const heading = useRef<HTMLHeadingElement>(null);

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
          {failure} <button onClick={reload}>Try again</button>
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
