/** Whether the server can be reached, and the pauses between attempts. */
import { signal } from "@preact/signals"
import { Refused } from "./requests.js"

/** Whether the server answered last; in a window that does not send, whether there is a network. */
export const online = signal(navigator.onLine)
/** Why changes wait though the server answers: it is busy, or limits requests. @type {import("@preact/signals").Signal<string>} */
export const delay = signal("")

const LONGEST = 30_000 // milliseconds between two attempts

/** @type {Set<() => void>} */
const pausing = new Set()

/** Try again now. */
export const retry = () => pausing.forEach((awake) => awake())
addEventListener("online", () => ((online.value = true), retry()))
addEventListener("offline", () => (online.value = false))

/** The milliseconds until the next attempt. @param {unknown} error @param {number} pause the ones before */
export const nextPause = (error, pause) =>
  Math.min(LONGEST, error instanceof Refused && error.retryAfter ? error.retryAfter * 1000 : pause * 2 || 500)

/** @param {number} milliseconds @param {AbortSignal} stop */
export const pauseFor = (milliseconds, stop) =>
  new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    const awake = () => {
      clearTimeout(timer)
      pausing.delete(awake)
      stop.removeEventListener("abort", awake)
      resolve()
    }
    const timer = setTimeout(awake, milliseconds)
    pausing.add(awake)
    stop.addEventListener("abort", awake, { once: true })
  })
