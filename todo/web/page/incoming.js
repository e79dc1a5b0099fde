/** Follows the changes of the server. */
import { nextPause, online, pauseFor, retry } from "./connection.js"
import { nextPage, read, Refused, SignedOut, Unreachable } from "./requests.js"
import { authorized, own } from "./session.js"
import { base, commit, revision } from "./store.js"

/** @import { Task, Change } from "./types" */

const SILENCE = 45_000 // milliseconds without a byte after which a stream is dead; the server writes every 15 s

/** The stream ends because the changes that it would go on from are not kept. */
class Gone extends Error {}

/** @param {AbortSignal} stop */
export async function listen(stop) {
  let pause = 0
  let whole = revision.value === null
  while (!stop.aborted) {
    try {
      if (whole) await readAll(stop)
      whole = false
      await stream(stop, () => {
        online.value = true
        pause = 0
        retry()
      })
    } catch (error) {
      if (stop.aborted || error instanceof SignedOut) return
      whole ||= error instanceof Gone || (error instanceof Refused && error.status === 410)
      online.value = error instanceof Refused || error instanceof Gone
      pause = nextPause(error, pause)
    }
    await pauseFor(Math.max(pause, 100), stop)
  }
}

/** Read all tasks, those in the trash too, and go on from the first page's number. @param {AbortSignal} stop */
async function readAll(stop) {
  const before = base.value
  /** @type {Task[]} */
  const found = []
  let reached = null
  for (const status of ["all", "deleted"]) {
    /** @type {string | undefined} */
    let path = own(`/tasks?limit=1000&status=${status}`)
    while (path) {
      const response = await authorized("GET", path)
      reached ??= Number(/\d+/.exec(response.headers.get("ETag") ?? "")?.[0] ?? 0)
      const tasks = await read(response)
      stop.throwIfAborted()
      found.push(...tasks)
      if (revision.value === null) commit({ tasks }) // so that the first page shows at once
      path = nextPage(response)
    }
  }
  const revisions = new Map(found.map((task) => [task.id, task.revision]))
  const since = [...base.value.values()].filter(
    (task) => task !== before.get(task.id) && task.revision >= (revisions.get(task.id) ?? 0),
  ) // by what was sent meanwhile
  commit({ tasks: [...found, ...since], revision: reached ?? 0, reset: true })
}

/** Follow the changes until the stream ends. @param {AbortSignal} stop @param {() => void} opened */
async function stream(stop, opened) {
  const dead = new AbortController()
  const give = () => dead.abort()
  stop.addEventListener("abort", give, { once: true })
  addEventListener("offline", give, { once: true })
  let timer = setTimeout(give, SILENCE)
  try {
    const response = await authorized("GET", own(`/changes/stream?since=${revision.value}`), { signal: dead.signal })
    if (!/event-stream/.test(response.headers.get("Content-Type") ?? "")) throw new Unreachable("a proxy's page")
    opened()
    const reader = /** @type {ReadableStream<BufferSource>} */ (response.body)
      .pipeThrough(new TextDecoderStream())
      .getReader()
    let text = ""
    for (;;) {
      const { done, value } = await reader.read().catch((error) => Promise.reject(new Unreachable(String(error))))
      stop.throwIfAborted()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(give, SILENCE)
      const events = (text += value).split("\n\n")
      text = events.pop() ?? ""
      if (take(events) === "gone") throw new Gone()
    }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener("abort", give)
    removeEventListener("offline", give)
    give()
  }
}

/** @param {string[]} events @returns {string | undefined} why the stream ends */
function take(events) {
  const fields = events.map((event) =>
    Object.fromEntries(event.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2))),
  )
  const changes = /** @type {Change[]} */ (
    fields.filter((each) => each.event === "change").map((each) => JSON.parse(each.data))
  )
  const reached = fields.findLast((each) => each.id)?.id
  const newest = new Map(changes.map((change) => [change.task_id, change.task]))
  const tasks = /** @type {Task[]} */ ([...newest.values()].filter(Boolean))
  const gone = [...newest].filter(([, task]) => !task).map(([id]) => id)
  if (reached) commit({ tasks, gone, revision: Number(reached) })
  const end = fields.find((each) => each.event === "end")
  return end && JSON.parse(end.data).reason
}
