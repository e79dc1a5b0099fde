/** Sends and follows changes: in one tab of a user at a time. */
import { effect, signal } from "@preact/signals"
import { pauseFor } from "./connection.js"
import { listen } from "./incoming.js"
import * as local from "./local.js"
import { sendAll } from "./outgoing.js"
import { NAME } from "./requests.js"
import { locked, user } from "./session.js"
import { commit, outbox, pending, ready } from "./store.js"

const HIDDEN = 60_000 // milliseconds after which a hidden tab gives its place to another one

/** Keep in sync from when the stored tasks have been read. @returns {() => void} which ends it */
export function keepInSync() {
  const stop = new AbortController()
  const dispose = effect(() => void (ready.value && follow(stop.signal)))
  return () => (dispose(), stop.abort())
}

/** @param {AbortSignal} stop */
async function follow(stop) {
  while (!stop.aborted) {
    await needed(stop)
    const turn = new AbortController()
    const end = () => turn.abort()
    stop.addEventListener("abort", end, { signal: turn.signal })
    const lead = async () => {
      if (stop.aborted) return
      commit({ ops: (await local.waiting()).filter((op) => !outbox.value.some((each) => each.n === op.n)) })
      const hiding = setInterval(() => document.hidden && !pending.value.length && end(), HIDDEN)
      await Promise.all([sendAll(turn.signal), listen(turn.signal)]).finally(() => {
        clearInterval(hiding)
        end()
      })
    }
    try {
      await locked(`${NAME}.sync.${user.value?.id}`, lead, { signal: stop })
    } catch (error) {
      if (!stop.aborted) console.error(error)
      await pauseFor(10_000, stop)
    }
  }
}

addEventListener("beforeunload", (event) => {
  if (pending.value.length && !local.storing()) event.preventDefault() // it would be lost
})

const hidden = signal(document.hidden)
document.addEventListener("visibilitychange", () => (hidden.value = document.hidden))

/** Until somebody looks at this tab, or it has something to send. @param {AbortSignal} stop */
async function needed(stop) {
  /** @type {() => void} */
  let dispose = () => {}
  await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    stop.addEventListener("abort", resolve, { once: true })
    dispose = effect(() => void ((!hidden.value || pending.value.length) && resolve()))
  })
  dispose()
}
