/** Days, and when tasks are due, on the person's own clock and in the words of their language. */
import { signal } from "@preact/signals"

/** @import { Task } from "./types" */

/** Make something when it is first asked for: the first formatter takes a browser a tenth of a start on a slow phone. @template T @param {() => T} make */
const once = (make) => {
  /** @type {T | undefined} */
  let made
  return () => (made ??= make())
}

/** The person's time zone, an IANA name. */
export const zone = once(() => Intl.DateTimeFormat().resolvedOptions().timeZone)

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0")
/** The local day of a moment, `YYYY-MM-DD`. */
const dayOf = (date = new Date()) =>
  `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
/** The local time of a moment, `hh:mm`. */
const timeOf = (date = new Date()) => `${two(date.getHours())}:${two(date.getMinutes())}`

/** The local time now, `YYYY-MM-DDThh:mm`, which moves every minute. */
export const now = signal(`${dayOf()}T${timeOf()}`)
const tick = () => (now.value = `${dayOf()}T${timeOf()}`)
setInterval(tick, 15_000)
document.addEventListener("visibilitychange", tick)

/** @param {string} day @param {number} days */
export const addDays = (day, days) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10)

/** @typedef {{day: string, time: string | null, key: string}} Due `key` sorts by the moment */

/** @type {WeakMap<Task, Due | null>} */
const known = new WeakMap()

/** When a task is due on the person's own clock, or null. @param {Task} task @returns {Due | null} */
export function due(task) {
  if (!task.due_date) return null
  let found = known.get(task)
  if (found === undefined) known.set(task, (found = read(task.due_date, task.time_zone)))
  return found
}

/** @param {string} text @param {string | null} of the time zone of a local time @returns {Due} */
function read(text, of) {
  const instant = /(Z|[+-]\d\d:\d\d)$/i.test(text)
  const elsewhere = !instant && text.length > 10 && of && of !== zone()
  const date = instant ? new Date(text) : elsewhere ? momentIn(text, of) : null
  const day = date ? dayOf(date) : text.slice(0, 10)
  const time = date ? timeOf(date) : text.slice(11, 16) || null
  return { day, time, key: `${day}T${time ?? ""}` }
}

/** The moment at which clocks of a zone show a local time; null where the browser knows no such zone. @param {string} text @param {string} of */
function momentIn(text, of) {
  const wanted = Date.parse(`${text}Z`)
  const shown = (/** @type {number} */ at) =>
    Date.parse(new Date(at).toLocaleString("sv", { timeZone: of }).replace(" ", "T") + "Z")
  try {
    const guess = wanted - (shown(wanted) - wanted)
    return new Date(wanted - (shown(guess) - guess))
  } catch {
    return null
  }
}

/** The fields that make a task due on a day, at the time of day at which it is due now. @param {Task} task @param {string | null} day */
export function onDay(task, day) {
  const time = day && due(task)?.time
  return time ? { due_date: `${day}T${time}`, time_zone: zone() } : { due_date: day }
}

/** @param {Task} task */
export function overdue(task) {
  const at = due(task)
  return Boolean(at && !task.completed && at.key < (at.time ? now.value : now.value.slice(0, 10)))
}

/** @param {Intl.DateTimeFormatOptions} options */
const formatter = (options) => new Intl.DateTimeFormat(undefined, { timeZone: "UTC", ...options })
const WEEKDAY = once(() => formatter({ weekday: "long" }))
const DAY = once(() => formatter({ weekday: "short", day: "numeric", month: "short" }))
const DAY_OF_YEAR = once(() => formatter({ day: "numeric", month: "short", year: "numeric" }))
const TIME = once(() => formatter({ timeStyle: "short" }))
const RELATIVE = once(() => new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }))

/** A day as people say it: today, tomorrow, the weekday, or the date. @param {string} day */
export function sayDay(day) {
  const today = now.value.slice(0, 10)
  const distance = Math.round((Date.parse(day) - Date.parse(today)) / 86_400_000)
  if (Math.abs(distance) < 2) return capital(RELATIVE().format(distance, "day"))
  if (distance > 0 && distance < 7) return WEEKDAY().format(Date.parse(day))
  return (day.slice(0, 4) === today.slice(0, 4) ? DAY : DAY_OF_YEAR)().format(Date.parse(day))
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1)

/** @param {Due} at */
export const sayDue = (at) =>
  at.time ? `${sayDay(at.day)}, ${TIME().format(Date.parse(`1970-01-01T${at.time}Z`))}` : sayDay(at.day)

/** The name of a weekday of an RRULE. @param {string} code `MO` @param {"long" | "short"} weekday */
const nameOf = (code, weekday) =>
  formatter({ weekday }).format((4 + ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].indexOf(code)) * 86_400_000) // 5 January 1970

/** Which weekday of a month. @param {string} number of an RRULE: empty for every one */
const nth = (number) =>
  ({ "": "", 1: "the 1st ", 2: "the 2nd ", 3: "the 3rd ", 4: "the 4th ", 5: "the 5th ", "-1": "the last " })[number] ??
  `${number} `

/** A recurrence in a few words. @param {string} rule */
export function sayRecurrence(rule) {
  const parts = Object.fromEntries(rule.split(";").map((part) => part.split("=")))
  if (!parts.FREQ) return capital(rule)
  const units = /** @type {Record<string, string>} */ ({
    DAILY: "day",
    WEEKLY: "week",
    MONTHLY: "month",
    YEARLY: "year",
  })
  const every = parts.INTERVAL > 1 ? `Every ${parts.INTERVAL} ${units[parts.FREQ]}s` : `Every ${units[parts.FREQ]}`
  const codes = (parts.BYDAY ?? "").split(",").filter(Boolean)
  const days = codes.map(
    (/** @type {string} */ code) =>
      nth(code.slice(0, -2)) + nameOf(code.slice(-2), codes.length > 1 ? "short" : "long"),
  )
  const on = parts.BYDAY === "MO,TU,WE,TH,FR" ? "weekdays" : days.join(", ")
  const end = [
    parts.COUNT && (parts.COUNT === "1" ? "once" : `${parts.COUNT} times`),
    parts.UNTIL && `until ${parts.UNTIL.replace(/^(....)(..)(..).*/, "$1-$2-$3")}`,
  ]
  return [every, on && `on ${on}`, parts.BYMONTHDAY && `on day ${parts.BYMONTHDAY}`, ...end].filter(Boolean).join(" ")
}
