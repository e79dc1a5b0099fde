/** Sends the outbox in its order. */
import { computed, effect } from "@preact/signals"
import { delay, nextPause, online, pauseFor } from "./connection.js"
import { read, Refused, SignedOut } from "./requests.js"
import { authorized, own } from "./session.js"
import { base, commit, made, outbox, pending, same } from "./store.js"

/** @import { Json, Task, Problem } from "./types" @import { Op } from "./store.js" */

const ATTEMPTS = 5 // at a request that the server fails to answer, before it counts as refused

/** What the server refused first, and why. */
export const refusal = computed(() => {
  const op = outbox.value.find((each) => each.refused)
  return op ? { op, why: op.refused ?? "" } : null
})
/** The person knows what was refused first. */
export const dismiss = () => refusal.value && commit({ sent: [refusal.value.op.n] })

/** Numbers of ops that the server may have seen; null while another tab sends. @type {Set<number> | null} */
let tried = null
/** @type {(() => void) | null} */
let idle = null
effect(() => void (outbox.value.length && idle?.()))

/** Until the outbox changes. @param {AbortSignal} stop */
const somethingToSend = (stop) =>
  new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    const awake = (idle = () => (stop.removeEventListener("abort", awake), resolve()))
    stop.addEventListener("abort", awake)
  })

/** Whether an op can be taken out of the outbox as if it had never been: the server cannot have seen it. @param {Op} op */
export const cancellable = (op) => tried !== null && !tried.has(op.n) && outbox.value.some((each) => each.n === op.n)

/** @param {AbortSignal} stop */
export async function sendAll(stop) {
  const seen = (tried = new Set(outbox.value.map((op) => op.n))) // perhaps by the tab that did this before
  await sendNext(stop, seen).finally(() => (tried = null))
}

/** @param {AbortSignal} stop @param {Set<number>} seen */
async function sendNext(stop, seen) {
  let pause = 0
  let attempts = 0
  while (!stop.aborted) {
    const held = new Set(pending.value.filter((op) => op.conflict).flatMap((op) => op.changes.map(([id]) => id)))
    const sending = pending.value.find((op) => !op.conflict && !op.changes.some(([id]) => held.has(id))) ?? null
    if (!sending) {
      await somethingToSend(stop)
      continue
    }
    seen.add(sending.n)
    try {
      await sendOne(sending, stop)
      seen.delete(sending.n)
      online.value = true
      delay.value = ""
      pause = attempts = 0
    } catch (error) {
      if (stop.aborted || error instanceof SignedOut) return
      const answered = error instanceof Refused
      online.value = answered
      if (answered && error.status >= 500 && error.status !== 503 && ++attempts >= ATTEMPTS) {
        refuse(sending, error.message)
        delay.value = ""
        pause = attempts = 0
        continue
      }
      delay.value = answered ? error.message : ""
      pause = nextPause(error, pause)
      await pauseFor(pause, stop)
    }
  }
}

/** @param {Op} op @param {AbortSignal} stop */
async function sendOne(op, stop) {
  const number = made.get(op.undoes ?? "")
  const path = op.path ?? (number ? `/changes/${number}/undo` : null)
  if (path === null) return commit({ sent: [op.n] }) // the undo of what made no change
  const headers = /** @type {Record<string, string>} */ ({ "Idempotency-Key": op.key })
  const matched = op.revision ?? base.value.get(op.changes[0]?.[0] ?? "")?.revision
  if (op.matches && matched) {
    headers["If-Match"] = `"${matched}"`
    headers["Idempotency-Key"] += `-${matched}` // since the server stores that a revision did not match
    if (op.revision === null) commit({ ops: [{ ...op, revision: matched }] }) // the same whenever this is sent again
  }
  try {
    const answer = await read(await authorized(op.method, own(path), { body: op.body, headers }))
    stop.throwIfAborted()
    succeed(op, answer, matched)
  } catch (error) {
    stop.throwIfAborted() // somebody else may be signed in; the next time, the server answers the same
    if (!(error instanceof Refused) || error.status === 429 || error.status >= 500) throw error
    if (error.status === 412 && error.problem.current) return outdated(op, /** @type {Task} */ (error.problem.current))
    const wished = error.status === 404 && op.method === "DELETE"
    if (wished || error.status === 410) return commit({ sent: [op.n] }) // made by someone, and perhaps purged since
    refuse(op, error.message, error.problem)
  }
}

/** @param {Op} op @param {Json} answer a task, a change, the results of a batch, or null @param {number | undefined} matched the revision that it was sent with */
function succeed(op, answer, matched) {
  const known = base.value
  const tasks = /** @type {Task[]} */ (
    [answer?.results?.map((/** @type {{task: Task | null}} */ each) => each.task) ?? answer?.task ?? answer]
      .flat()
      .filter((task) => task?.id)
  )
  const gone = op.changes.filter(([, fields]) => fields === null).map(([id]) => id)
  const ids = new Set(tasks.map((task) => task.id))
  for (const [id, fields] of op.changes) {
    const task = known.get(id)
    if (fields?.deleted_at && task && !ids.has(id)) tasks.push({ ...task, deleted_at: fields.deleted_at })
  }
  const first = tasks[0]
  const unchanged = op.matches && op.method !== "DELETE" && first?.revision === matched
  const number = unchanged ? null : (answer?.revision ?? undefined)
  commit({
    tasks,
    gone,
    sent: [op.n],
    made: number === undefined ? [] : [[op.key, number]],
    ops: followers(op, first, number),
  })
}

/** The ops that waited for what this one made: an undo of it, and the next write of the same task. @param {Op} op @param {Task | undefined} task @param {number | null | undefined} number */
function followers(op, task, number) {
  const undo = outbox.value
    .filter((each) => each.undoes === op.key && number)
    .map((each) => ({ ...each, path: `/changes/${number}/undo` }))
  const next =
    task &&
    outbox.value.find(
      (each) => each.n > op.n && each.revision === null && !each.undoes && each.changes[0]?.[0] === task.id,
    )
  return next ? [...undo, { ...next, revision: /** @type {Task} */ (task).revision }] : undo
}

/** The task has changed since. Other fields than these: send again. The same: the person chooses. @param {Op} op @param {Task} current */
function outdated(op, current) {
  const seen = /** @type {Json} */ (op.before[0]?.[1] ?? {})
  const now = /** @type {Json} */ (current)
  const clash = Object.entries(op.fields ?? {}).some(
    ([name, mine]) => !same(seen[name], now[name]) && !same(mine, now[name]),
  )
  const again = { ...op, revision: current.revision }
  commit({ tasks: [current], ops: [clash ? { ...again, conflict: current } : again] })
}

/** @param {Op} op @param {string} why @param {Problem} [problem] */
function refuse(op, why, problem) {
  const created = op.before.filter(([, was]) => was === null).map(([id]) => id)
  const lost = pending.value.filter(
    (each) => each.n > op.n && (each.undoes === op.key || each.changes.some(([id]) => created.includes(id))),
  )
  const said = problem?.errors?.map((each) => each.msg).join("; ")
  commit({ ops: [{ ...op, refused: said || why }], sent: lost.map((each) => each.n), made: [[op.key, null]] })
}
