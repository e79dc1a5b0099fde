import { useRef, useState, type FormEvent } from "react";

import type { Task, TaskFields } from "./api";

interface Props {
  task?: Task;
  action: string;
  /** Resolves to whether the fields were saved. */
  onSave: (changes: TaskFields, key: string) => Promise<boolean>;
  onCancel?: () => void;
}

/** The fields of a new task, or of `task`. */
export function TaskForm({ task, action, onSave, onCancel }: Props) {
  const [busy, setBusy] = useState(false);
  const key = useRef(crypto.randomUUID()); // of what the form holds: with other fields it is another request
  const [before] = useState(() => ({
    title: task?.title ?? "",
    description: task?.description ?? "",
    due_date: task?.due_date?.slice(0, 10) ?? "",
    priority: task?.priority ?? "",
  }));

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const changes: TaskFields = {};
    for (const [name, old] of Object.entries(before) as [keyof TaskFields, string][]) {
      const value = String(data.get(name));
      if (value !== old) changes[name] = value || null; // only these, so that a due time is not cut to its day
    }
    setBusy(true);
    const saved = await onSave(changes, key.current);
    setBusy(false);
    if (!saved || task) return;
    key.current = crypto.randomUUID();
    form.reset();
    form.querySelector("input")?.focus();
  }

  return (
    <form
      className="card"
      aria-label={task ? `Edit ${task.title}` : action}
      onSubmit={submit}
      onChange={() => (key.current = crypto.randomUUID())}
    >
      <label>
        Title
        <input name="title" defaultValue={before.title} maxLength={255} required autoFocus={task !== undefined} />
      </label>
      <label>
        Description
        <textarea name="description" defaultValue={before.description} maxLength={10_000} rows={2} />
      </label>
      <div className="row">
        <label>
          Due date
          <input name="due_date" type="date" defaultValue={before.due_date} min="1900-01-01" max="2200-12-31" />
        </label>
        <label>
          Priority
          <select name="priority" defaultValue={before.priority}>
            <option value="">None</option>
            <option value="low">Low</option>
            <option value="medium">Medium</option>
            <option value="high">High</option>
            <option value="urgent">Urgent</option>
          </select>
        </label>
      </div>
      <div className="buttons">
        <button className="main" disabled={busy}>
          {action}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
