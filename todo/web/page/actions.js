/** What a person does to tasks. Each shows at once, goes into the outbox, and can be undone. */
import { signal } from "@preact/signals"
import { zone } from "./dates.js"
import { commit, made, outbox, pending, tasks } from "./store.js"
import { cancellable } from "./outgoing.js"

/** @import { Task, TaskEdit, NewTask, Operation } from "./types" @import { Op } from "./store.js" */

/**
 * What is said at the edge of the page: what was done, and how to take it back.
 *
 * @typedef {{text: string, group?: string[]}} Notice
 */

/** @type {import("@preact/signals").Signal<Notice | null>} */
export const notice = signal(null)
/** What was done last in this visit, the latest last; what was done at once is undone at once. @type {Op[][]} */
const done = []
const UNDOABLE = 100 // entries of `done`

let last = 0
/** The next place in the outbox, after those of all other tabs so far; two that act at once take different ones. */
const next = () =>
  (last = Math.max(last + 1, (outbox.value.at(-1)?.n ?? 0) + 1, Date.now() * 1000 + Math.floor(Math.random() * 1000)))

/** 128 random bits as a UUID of version 7, so that ids grow with time (RFC 9562 §5.7). */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  new DataView(bytes.buffer).setBigUint64(
    0,
    (BigInt(Date.now()) << 16n) | 0x7000n | (BigInt((bytes[6] ?? 0) & 15) << 8n) | BigInt(bytes[7] ?? 0),
  )
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

/** @param {string} id */
const pathOf = (id, after = "") => `/tasks/${id}${after}`
/** @param {Task} task */
const named = (task) => `“${task.title}”`

/**
 * Put writes into the outbox, and say so.
 *
 * @param {Pick<Op, "label" | "method" | "path" | "body" | "changes"> & Partial<Op>} write
 * @param {string} [said] instead of its label; empty: nothing
 */
function record(write, said = write.label) {
  group([write], said)
}

/** @param {Parameters<typeof record>[0][]} writes @param {string} said */
function group(writes, said) {
  const ops = writes.map((write) => {
    const before =
      write.before ??
      write.changes.map(([id]) => /** @type {[string, Task | null]} */ ([id, tasks.value.get(id) ?? null]))
    const first = write.changes[0]?.[0] ?? ""
    const waits = pending.value.some((op) => op.changes.some(([id]) => id === first))
    const revision = waits ? null : (before[0]?.[1]?.revision ?? null)
    return /** @type {Op} */ ({ revision, ...write, n: next(), key: crypto.randomUUID?.() ?? newId(), before })
  })
  commit({ ops })
  if (ops.every((op) => op.undoes)) return
  done.push(ops)
  if (done.length > UNDOABLE) done.shift()
  if (said) notice.value = { text: said, group: ops.map((op) => op.key) }
}

/** A position before all others, the latest first; the server makes the real one. */
const front = () => "!" + (1e16 - next())

/** A task as it is shown until the server has made it. @param {NewTask} fields @param {string} id */
function newTask(fields, id) {
  const at = new Date().toISOString()
  const none = { description: null, due_date: null, time_zone: null, priority: null, recurrence: null, remind_at: null }
  const rest = { tags: [], completed: false, completed_at: null, recurrence_from: null, user_id: "", revision: 0 }
  return /** @type {Task} */ ({ ...none, ...rest, ...fields, id, position: front(), created_at: at, updated_at: at })
}

/** @param {NewTask} fields */
export function add(fields) {
  const id = newId()
  const label = `Added “${fields.title}”`
  record({ label, method: "POST", path: "/tasks", body: { ...fields, id }, changes: [[id, newTask(fields, id)]] }, "")
}

/** @param {Task} seen the task as the person saw it when they began @param {TaskEdit} fields */
export function edit(seen, fields) {
  record({
    label: `Changed ${named(seen)}`,
    method: "PUT",
    path: pathOf(seen.id, `?time_zone=${encodeURIComponent(zone())}`),
    body: fields,
    fields,
    matches: true,
    changes: /** @type {Op["changes"]} */ ([[seen.id, fields]]),
    before: [[seen.id, seen]],
  })
}

/** @param {Task} task */
export function toggle(task) {
  const completed = !task.completed
  record({
    label: `${completed ? "Completed" : "Reopened"} ${named(task)}`,
    method: "PATCH",
    path: pathOf(task.id, `/complete?time_zone=${encodeURIComponent(zone())}`),
    body: { completed },
    matches: true,
    changes: [[task.id, completion(completed)]],
  })
}

const completion = (/** @type {boolean} */ completed) => ({
  completed,
  completed_at: completed ? new Date().toISOString() : null,
})
const trashed = () => ({ deleted_at: new Date().toISOString() })

/** @param {Task} task */
export const remove = (task) =>
  record({
    label: `Deleted ${named(task)}`,
    method: "DELETE",
    path: pathOf(task.id),
    matches: true,
    changes: [[task.id, trashed()]],
  })

/** @param {Task} task */
export const restore = (task) =>
  record({
    label: `Restored ${named(task)}`,
    method: "POST",
    path: pathOf(task.id, "/restore"),
    changes: [[task.id, { deleted_at: undefined }]],
  })

/** Delete for good, which nothing takes back. @param {Task} task */
export function purge(task) {
  record(
    {
      label: `Deleted ${named(task)} for good`,
      method: "DELETE",
      path: pathOf(task.id, "?permanent=true"),
      changes: [[task.id, null]],
    },
    "",
  )
  done.pop()
  notice.value = { text: `Deleted ${named(task)} for good` }
}

/** Move a task behind another one, or to the front. @param {Task} task @param {Task | null} after */
export function move(task, after) {
  const position = after ? `${after.position}${front()}` : front()
  record({
    label: `Moved ${named(task)}`,
    method: "POST",
    path: pathOf(task.id, "/move"),
    body: { after: after?.id ?? null },
    matches: true,
    changes: [[task.id, { position }]],
  })
}

/**
 * Do the same to several tasks: in batches, which one undo takes back.
 *
 * @param {Task[]} chosen @param {string} label @param {(task: Task) => [Operation, Partial<Task>]} each
 */
function several(chosen, label, each) {
  const writes = []
  for (let start = 0; start < chosen.length; start += 50) {
    const part = chosen.slice(start, start + 50).map((task) => ({ id: task.id, pair: each(task) }))
    const changes = part.map(({ id, pair }) => /** @type {[string, Partial<Task>]} */ ([id, pair[1]]))
    writes.push({
      label,
      method: "POST",
      path: "/tasks/batch",
      body: { operations: part.map(({ pair }) => pair[0]) },
      changes,
    })
  }
  if (writes.length) group(writes, label)
}

/** @param {Task[]} chosen @param {boolean} completed */
export const completeAll = (chosen, completed) =>
  several(chosen, `${completed ? "Completed" : "Reopened"} ${count(chosen)}`, ({ id }) => [
    { op: "complete", id, completed },
    completion(completed),
  ])

/** @param {Task[]} chosen */
export const removeAll = (chosen) =>
  several(chosen, `Deleted ${count(chosen)}`, ({ id }) => [{ op: "delete", id }, trashed()])

/** @param {Task[]} chosen @param {(task: Task) => TaskEdit} fields */
export const editAll = (chosen, fields) =>
  several(chosen, `Changed ${count(chosen)}`, (task) => [
    { op: "update", id: task.id, task: fields(task) },
    /** @type {Partial<Task>} */ (fields(task)),
  ])

/** The server did something as these changes: it can be undone like what is done here, by these keys. @param {string} label @param {number[]} revisions */
export function doneThere(label, revisions) {
  const none = { n: 0, label, method: "POST", path: null, changes: [], revision: null, before: [] }
  const ops = revisions.map((number) => ({ ...none, key: newId(), number }))
  ops.forEach(({ key, number }) => made.set(key, number))
  if (ops.length) done.push(ops)
  return ops.map((op) => op.key)
}

/** @param {Task[]} chosen */
const count = (chosen) => (chosen.length === 1 ? named(/** @type {Task} */ (chosen[0])) : `${chosen.length} tasks`)

/** Take back what was done last, or the ops with these keys. @param {string[]} [keys] */
export function undo(keys) {
  const index = keys ? done.findLastIndex((ops) => ops[0]?.key === keys[0]) : done.length - 1
  const [ops] = index < 0 ? [] : done.splice(index, 1)
  if (!ops) return void (notice.value = { text: "There is nothing to undo" })
  const waiting = ops.filter(cancellable)
  commit({ sent: waiting.map((op) => op.n) })
  const sent = ops.filter((op) => !waiting.includes(op) && made.get(op.key) !== null).reverse()
  group(sent.map(reversal), "")
  notice.value = { text: `Undone: ${ops[0]?.label}` }
}

/** @param {Op} op @returns {Parameters<typeof record>[0]} */
function reversal(op) {
  const number = made.get(op.key)
  const changes = op.before.map(([id, was], index) => {
    const fields = Object.keys(op.changes[index]?.[1] ?? {})
    const back = was
      ? Object.fromEntries(fields.map((name) => [name, was[/** @type {keyof Task} */ (name)]]))
      : trashed()
    return /** @type {[string, Partial<Task>]} */ ([id, back])
  })
  const path =
    op.method === "DELETE" ? pathOf(op.changes[0]?.[0] ?? "", "/restore") : number ? `/changes/${number}/undo` : null
  return { label: `Undone: ${op.label}`, method: "POST", path, changes, undoes: op.key }
}

/** Decide between one's own text and somebody else's. @param {Op} op @param {"mine" | "theirs" | "both"} choice */
export function settle(op, choice) {
  const theirs = op.conflict
  if (!theirs || choice === "theirs") return commit({ sent: [op.n], made: [[op.key, null]] })
  const { title, description } = op.fields ?? {}
  const fields = { ...op.fields }
  if (choice === "both") {
    const other = title && title !== theirs.title ? [theirs.title] : []
    const texts = [description ?? theirs.description, ...other, description === undefined ? null : theirs.description]
    fields.description = texts.filter(Boolean).join("\n\n")
  }
  const changes = /** @type {Op["changes"]} */ ([[theirs.id, fields]])
  const before = /** @type {Op["before"]} */ ([[theirs.id, theirs]])
  const rest = { conflict: undefined, fields, body: fields, revision: theirs.revision }
  commit({ ops: [{ ...op, ...rest, changes, before }] })
}
