/**
 * The user's tasks: what the server last said (`base`), and on top of it the changes that it does not know yet (`outbox`).
 *
 * Every change of this state is a Patch, and `commit` is the only way to make one: in memory, in the browser's database
 * and in the other tabs. A change that the server refuses no longer counts, and so takes itself back.
 */
import { batch, computed, signal } from "@preact/signals"
import * as local from "./local.js"
import { NAME } from "./requests.js"

/** @import { Task, TaskEdit } from "./types" */

/**
 * A write that is to be sent, and what it does to tasks meanwhile.
 *
 * @typedef {object} Op
 * @property {number} n its place in the outbox
 * @property {string} key its idempotency key
 * @property {string} label what it does, for the person: `Deleted “Buy milk”`
 * @property {string} method
 * @property {string | null} path below `/api/{user_id}`; null for an undo whose change has no number yet
 * @property {unknown} [body]
 * @property {TaskEdit} [fields] of an edit: for a conflict
 * @property {boolean} [matches] whether it is sent with If-Match
 * @property {number | null} revision the one that the task had; null: the one that the op before it makes
 * @property {[string, (Partial<Task> | null)][]} changes task ids, and what becomes of their fields; null: purged
 * @property {[string, (Task | null)][]} before the same tasks before it; null: there was none
 * @property {string} [undoes] the key of the op that it takes back
 * @property {Task} [conflict] the task as someone else left it: the person has to choose
 * @property {string} [refused] why the server does not want it: it is taken back, and kept until the person has read this
 */
/**
 * @typedef {object} Patch
 * @property {Task[]} [tasks] as the server says they are
 * @property {string[]} [gone] ids of tasks that it has no more
 * @property {Op[]} [ops] new in the outbox, or changed
 * @property {number[]} [sent] ops that leave the outbox
 * @property {number} [revision] all changes up to it are in `base`
 * @property {[string, number | null][]} [made] keys of ops and the changes that they made; null for none
 * @property {boolean} [reset] whether `tasks` replace all others
 */

/** @type {import("@preact/signals").Signal<Map<string, Task>>} */
export const base = signal(new Map())
/** @type {import("@preact/signals").Signal<Op[]>} */
export const outbox = signal([])
/** Those that the server has not refused. */
export const pending = computed(() => outbox.value.filter((op) => !op.refused))
/** The change up to which `base` is complete; null before the first reading. @type {import("@preact/signals").Signal<number | null>} */
export const revision = signal(null)
/** Whether the stored tasks have been read. */
export const ready = signal(false)
/** The numbers of the changes that the latest ops of this visit made, by their keys. @type {Map<string, number | null>} */
export const made = new Map()

const KEPT = 1000 // entries of `made`

/** All tasks as the person sees them, those in the trash too. */
export const tasks = computed(() => {
  if (!pending.value.length) return base.value
  const shown = new Map(base.value)
  for (const op of pending.value) for (const [id, fields] of op.changes) apply(shown, id, fields, op)
  return shown
})

/** @param {Map<string, Task>} shown @param {string} id @param {Partial<Task> | null} fields @param {Op} op */
function apply(shown, id, fields, op) {
  const task = shown.get(id)
  if (fields === null) shown.delete(id)
  else if (task && fields.id === undefined) shown.set(id, kept(task, fields, op))
  else if (!task && fields.id !== undefined) shown.set(id, /** @type {Task} */ (fields))
}

/** @type {WeakMap<Op, Map<string, {of: Task, task: Task}>>} */
const patched = new WeakMap()

/** The patched task, the same object as long as it is made of the same one: its row then need not be drawn again. @param {Task} of @param {Partial<Task>} fields @param {Op} op */
function kept(of, fields, op) {
  const known = patched.get(op) ?? patched.set(op, new Map()).get(op)
  let found = known?.get(/** @type {string} */ (of.id))
  if (found?.of !== of) known?.set(of.id, (found = { of, task: { ...of, ...fields } }))
  return /** @type {{task: Task}} */ (found).task
}

/** Whether two values of a field are the same. @param {unknown} one @param {unknown} other */
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

/** @type {BroadcastChannel | null} */
let tabs = null

/** Read what is stored of a user, and follow their other tabs. @param {string} userId */
export async function open(userId) {
  tabs = new BroadcastChannel(`${NAME}.tasks.${userId}`)
  const early = /** @type {Patch[]} */ ([])
  tabs.onmessage = ({ data }) => early.push(data)
  const stored = await local.open(userId)
  local.write({ ops: outbox.value }) // made before there was a database
  take({ tasks: stored.tasks, ops: stored.ops, revision: stored.revision ?? undefined, reset: true })
  early.forEach(take) // perhaps later than what was read
  tabs.onmessage = ({ data }) => take(data)
  ready.value = true
}

/** Make a change everywhere: here, in the database, in the other tabs. @param {Patch} patch */
export function commit(patch) {
  const current = patch.reset ? patch : { ...patch, tasks: patch.tasks?.filter(isNews) }
  local.write(current)
  tabs?.postMessage(current)
  take(current)
}

/** Whether the server says something newer than is known; a deletion is known before its number. @param {Task} task */
function isNews(task) {
  const known = base.value.get(task.id)
  if (known?.revision !== task.revision) return (known?.revision ?? -1) < task.revision
  return !known.deleted_at !== !task.deleted_at
}

/** @param {Patch} patch */
function take({ tasks: changed = [], gone = [], ops = [], sent = [], revision: reached, made: numbers = [], reset }) {
  batch(() => {
    if (changed.length || gone.length || reset) {
      const next = reset ? new Map() : new Map(base.value)
      changed.forEach((task) => next.set(task.id, task))
      gone.forEach((id) => next.delete(id))
      base.value = next
    }
    if (ops.length || sent.length) {
      const out = new Map(outbox.value.map((op) => [op.n, op]))
      ops.forEach((op) => out.set(op.n, op))
      sent.forEach((n) => out.delete(n))
      outbox.value = [...out.values()].sort((one, other) => one.n - other.n)
    }
    if (reached !== undefined) revision.value = reached
  })
  numbers.forEach(([key, number]) => made.set(key, number))
  for (const key of made.keys()) if (made.size > KEPT) made.delete(key)
}
