import { useEffect, useMemo, useState } from "react";

import { ApiError, tasksOf, type Status, type Task } from "./api";

const CHANGED = "This task was changed elsewhere meanwhile. Save again to apply your changes to it as it is now.";

/** The tasks of a user, read again after each write. `failure` is of reading them, `error` of the last write. */
export function useTasks(userId: string, status: Status) {
  const calls = useMemo(() => tasksOf(userId), [userId]);
  const [tasks, setTasks] = useState<Task[]>();
  const [version, setVersion] = useState(0); // counts what may have changed the list
  const [failure, setFailure] = useState("");
  const [error, setError] = useState("");

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

  const reload = () => setVersion((count) => count + 1);

  /** Make a write, keep why it was refused, and read the list again. */
  async function run(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      setError("");
      return true;
    } catch (problem) {
      setError(problem instanceof ApiError && problem.status === 412 ? CHANGED : (problem as Error).message);
      return false;
    } finally {
      reload();
    }
  }

  return { calls, tasks, failure, error, run, reload };
}
