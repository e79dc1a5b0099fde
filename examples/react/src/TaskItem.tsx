import { useRef, useState } from "react";
import { flushSync } from "react-dom";

import type { Task, TaskFields } from "./api";
import { TaskForm } from "./TaskForm";

interface Props {
  task: Task;
  onToggle: () => void;
  onSave: (changes: TaskFields) => Promise<boolean>;
  onDelete: () => void;
}

/** One task of the list, which can be edited in its place. */
export function TaskItem({ task, onToggle, onSave, onDelete }: Props) {
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);

  function close() {
    flushSync(() => setEditing(false));
    editButton.current?.focus();
  }

  async function save(changes: TaskFields) {
    const saved = Object.keys(changes).length === 0 || (await onSave(changes));
    if (saved) close();
    return saved;
  }

  if (editing)
    return (
      <li>
        <TaskForm task={task} action="Save" onSave={save} onCancel={close} />
      </li>
    );
  return (
    <li className={task.completed ? "card task done" : "card task"}>
      <label>
        <input type="checkbox" checked={task.completed} onChange={onToggle} />
        <span>{task.title}</span>
      </label>
      <p className="facts">
        {task.priority && <span className={`priority ${task.priority}`}>{task.priority}</span>}
        {task.due_date && (
          <span>
            due <time dateTime={task.due_date}>{task.due_date.replace("T", " ")}</time>
          </span>
        )}
      </p>
      {task.description && <p className="description">{task.description}</p>}
      <div className="buttons">
        <button ref={editButton} aria-label={`Edit ${task.title}`} onClick={() => setEditing(true)}>
          Edit
        </button>
        <button aria-label={`Delete ${task.title}`} onClick={onDelete}>
          Delete
        </button>
      </div>
    </li>
  );
}
