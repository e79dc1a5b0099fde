/** Every call of the API that this front end makes. Nothing in here knows React. */

const BASE: string = import.meta.env.VITE_API_URL ?? "http://localhost:8000";
const TIMEOUT = 15_000; // milliseconds

export type Priority = "low" | "medium" | "high" | "urgent";
export type Status = "all" | "pending" | "completed";

export interface User {
  id: string;
  email: string | null;
  name?: string | null;
}

export interface Task {
  id: string;
  title: string;
  description: string | null;
  completed: boolean;
  /** A day (2027-03-01), a local time or an instant, as it was sent. */
  due_date: string | null;
  priority: Priority | null;
  revision: number;
}

/** The fields that this front end writes. One that is left out keeps its value; null clears it. */
export type TaskFields = Partial<Record<"title" | "description" | "due_date" | "priority", string | null>>;

/** A refusal, with the `detail` of its problem document (RFC 9457) as the message; status 0: there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

interface Session {
  access_token: string;
  user: User;
}

interface Options {
  body?: object;
  headers?: Record<string, string>;
}

/* The access token is kept in memory only. The refresh token is a cookie that no script can read. */
let session: Session | null = null;
let refreshing: Promise<boolean> | null = null;
let listener: (user: User | null, message: string) => void = () => {};

/** Call `listen` whenever the user changes, with a message where a session has ended by itself. */
export function watchUser(listen: typeof listener): () => void {
  listener = listen;
  return () => void (listener = () => {});
}

function keep(next: Session | null, message = ""): void {
  session = next;
  listener(next?.user ?? null, message);
}

async function request(method: string, path: string, { body, headers }: Options = {}): Promise<Response> {
  try {
    return await fetch(BASE + path, {
      method,
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(session && { Authorization: `Bearer ${session.access_token}` }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      credentials: path.startsWith("/api/auth/") ? "include" : "omit", // the cookie belongs to these paths
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch {
    throw new ApiError(0, "The server does not answer. Please try again.");
  }
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok) return response.status === 204 ? (undefined as T) : response.json();
  const problem = await response.json().catch(() => ({})); // a proxy may answer with a page
  throw new ApiError(response.status, problem.detail ?? `The server answered ${response.status}.`);
}

/** A request with the access token. One that has expired is replaced by the refresh cookie, and the request sent again. */
async function call<T>(method: string, path: string, options?: Options): Promise<T> {
  let response = await request(method, path, options);
  if (response.status === 401 && (await refresh())) response = await request(method, path, options);
  return read(response);
}

/** Sign in by the refresh cookie, at the start and when the access token has expired; false if there is no session. */
export function refresh(): Promise<boolean> {
  refreshing ??= renew().finally(() => (refreshing = null)); // one at a time, whoever needs it
  return refreshing;
}

async function renew(): Promise<boolean> {
  const response = await request("POST", "/api/auth/refresh");
  if (response.status === 401) keep(null, session ? "Your session has ended. Please sign in again." : "");
  else keep(await read<Session>(response));
  return session !== null;
}

export async function signUp(name: string, email: string, password: string): Promise<void> {
  const body = { name: name.trim() || undefined, email, password };
  keep(await read(await request("POST", "/api/auth/signup", { body })));
}

export async function signIn(email: string, password: string): Promise<void> {
  keep(await read(await request("POST", "/api/auth/signin", { body: { email, password } })));
}

export async function signOut(): Promise<void> {
  await read(await request("POST", "/api/auth/signout"));
  keep(null);
}

export type TaskCalls = ReturnType<typeof tasksOf>;

/** The calls for the tasks of a user. */
export function tasksOf(userId: string) {
  const tasks = `/api/${encodeURIComponent(userId)}/tasks`;
  return {
    list: (status: Status) => call<Task[]>("GET", `${tasks}?status=${status}`),

    /** With the same `key` again, after a lost answer, no second task is created. */
    create: (fields: TaskFields, key: string) =>
      call<Task>("POST", tasks, { body: fields, headers: { "Idempotency-Key": key } }),

    /** Refused with 412 if the task is no longer as `task`, so that nobody's change is lost. */
    update: (task: Task, changes: TaskFields) =>
      call<Task>("PUT", `${tasks}/${task.id}`, { body: changes, headers: { "If-Match": `"${task.revision}"` } }),

    /** Without a body the call toggles; with one it may be sent twice. */
    complete: (task: Task, completed: boolean) =>
      call<Task>("PATCH", `${tasks}/${task.id}/complete`, { body: { completed } }),

    /** To the trash, from which `restore` takes it back. */
    remove: (task: Task) => call<void>("DELETE", `${tasks}/${task.id}`),
    restore: (task: Task) => call<Task>("POST", `${tasks}/${task.id}/restore`),
  };
}
