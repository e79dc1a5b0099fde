/** What is on the screen: the view that the address names, its tasks in their sections, and what is marked in it. */
import { computed, effect, signal } from "@preact/signals"
import { due, now, overdue, sayDay } from "./dates.js"
import { tasks } from "./store.js"

/** @import { Task } from "./types" @typedef {{title: string, tasks: Task[]}} Section @typedef {{name: string, value: string}} Route */

export const VIEWS = ["inbox", "today", "upcoming", "done", "trash"]
/** @type {Record<string, string>} */
export const TITLES = {
  inbox: "Inbox",
  today: "Today",
  upcoming: "Upcoming",
  done: "Done",
  trash: "Trash",
  review: "Review",
  search: "Search",
  account: "Settings",
}

/** @returns {Route} */
function read() {
  const [name = "", value = ""] = location.hash.replace(/^#\/?/, "").split(/[/?]/)
  return { name: Object.hasOwn(TITLES, name) || (name === "tag" && value) ? name : "inbox", value: decode(value) }
}
/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const route = signal(read())
/** The id of the task that keys act on. @type {import("@preact/signals").Signal<string | null>} */
export const cursor = signal(null)
/** Whether the cursor was moved by a key, so that the focus follows. */
export const byKey = signal(false)
/** The ids of the tasks that are chosen for an action on several. @type {import("@preact/signals").Signal<Set<string>>} */
export const chosen = signal(new Set())
/** The id of the task that is edited. @type {import("@preact/signals").Signal<string | null>} */
export const editing = signal(null)
/** The id of the task whose further actions are shown. @type {import("@preact/signals").Signal<string | null>} */
export const more = signal(null)
/** Ids of tasks that stay in the view although it is no longer theirs: they were completed or reopened in it. @type {import("@preact/signals").Signal<Set<string>>} */
export const staying = signal(new Set())
/** The dialog that is open. @type {import("@preact/signals").Signal<"keys" | "commands" | null>} */
export const dialog = signal(null)

/** Show a view, before the next key. @param {string} name @param {string} [value] */
export function go(name, value = "") {
  location.hash = `#/${name}${value ? `/${encodeURIComponent(value)}` : ""}`
  follow()
}

function follow() {
  const before = route.value
  route.value = read()
  if (before.name === route.value.name && (before.name === "search" || before.value === route.value.value)) return
  cursor.value = editing.value = more.value = null
  chosen.value = staying.value = new Set()
  scrollTo(0, 0)
}
addEventListener("hashchange", follow)

export const title = computed(() => (route.value.name === "tag" ? `#${route.value.value}` : TITLES[route.value.name]))
effect(() => void (document.title = `${title.value} – Todo`))

/** Text without case and accents. @param {string} text */
export const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()

/** @param {(task: Task) => string} key @param {1 | -1} [direction] @returns {(one: Task, other: Task) => number} */
const by =
  (key, direction = 1) =>
  (one, other) => {
    const [first, second] = [key(one), key(other)]
    return first === second ? (one.id < other.id ? -1 : 1) : first < second ? -direction : direction
  }
const byPosition = by((task) => task.position)
const byDue = by((task) => `${due(task)?.key ?? "~"} ${task.position}`)

export const present = computed(() => [...tasks.value.values()].filter((task) => !task.deleted_at))
export const open = computed(() => present.value.filter((task) => !task.completed))
export const trash = computed(() =>
  [...tasks.value.values()].filter((task) => task.deleted_at).sort(by((task) => task.deleted_at ?? "", -1)),
)
/** The tags of open tasks with their counts, the most used first. */
export const tags = computed(() => {
  /** @type {Map<string, {tag: string, count: number}>} */
  const found = new Map()
  for (const task of open.value)
    for (const tag of task.tags) {
      const key = tag.toLowerCase()
      const known = found.get(key)
      if (known) known.count++
      else found.set(key, { tag, count: 1 })
    }
  return [...found.values()].sort((one, other) => other.count - one.count || (one.tag < other.tag ? -1 : 1))
})
export const counts = computed(() => {
  const today = now.value.slice(0, 10)
  return /** @type {Record<string, number>} */ ({
    inbox: open.value.length,
    today: open.value.filter((task) => (due(task)?.day ?? "~") <= today).length,
  })
})

/** The sections of the view. @type {import("@preact/signals").ReadonlySignal<Section[]>} */
export const sections = computed(() => {
  const { name, value } = route.value
  const today = now.value.slice(0, 10)
  const stays = (/** @type {Task} */ task) => !task.completed || staying.value.has(task.id)
  const pending = () => present.value.filter(stays)
  if (name === "today") {
    const these = pending()
      .filter((task) => (due(task)?.day ?? "~") <= today)
      .sort(byDue)
    const late = (/** @type {Task} */ task) => (due(task)?.day ?? "~") < today || overdue(task)
    return [
      { title: "Overdue", tasks: these.filter(late) },
      { title: "Today", tasks: these.filter((task) => !late(task)) },
    ].filter((section) => section.tasks.length)
  }
  if (name === "upcoming") {
    const days = new Map()
    for (const task of pending()
      .filter((task) => (due(task)?.day ?? "") > today)
      .sort(byDue)) {
      const day = due(task)?.day
      if (!days.get(day)?.push(task)) days.set(day, [task])
    }
    return [...days].map(([day, tasks]) => ({ title: sayDay(day), tasks }))
  }
  if (name === "tag")
    return one(
      pending()
        .filter((task) => task.tags.some((tag) => tag.toLowerCase() === value.toLowerCase()))
        .sort(byPosition),
    )
  if (name === "search") return one(search(value))
  if (name === "done")
    return one(
      present.value
        .filter((task) => task.completed || staying.value.has(task.id))
        .sort(by((task) => task.completed_at ?? "~", -1)),
    )
  if (name === "trash") return one(trash.value)
  return name === "inbox" ? one(pending().sort(byPosition)) : []
})

/** @param {Task[]} tasks @returns {Section[]} */
const one = (tasks) => (tasks.length ? [{ title: "", tasks }] : [])

/** The tasks that have all these words, open ones first. @param {string} query */
function search(query) {
  const words = fold(query).split(/\s+/).filter(Boolean)
  if (!words.length) return []
  const found = present.value.filter((task) => {
    const text = fold(`${task.title} ${task.description ?? ""} ${task.tags.map((tag) => `#${tag}`).join(" ")}`)
    return words.every((word) => text.includes(word))
  })
  return found.sort((one, other) => Number(one.completed) - Number(other.completed) || byPosition(one, other))
}

/** The tasks of the view in the order in which they are shown. */
export const shown = computed(() => sections.value.flatMap((section) => section.tasks))

/** Move the cursor up or down, from where it is or was. @param {1 | -1} step @param {boolean} [choose] whether to choose on the way */
export function step(step, choose = false) {
  const index = shown.value.findIndex((task) => task.id === cursor.value)
  const next =
    shown.value[
      index < 0 ? (step > 0 ? 0 : shown.value.length - 1) : Math.min(Math.max(index + step, 0), shown.value.length - 1)
    ]
  if (choose && cursor.value) chosen.value = new Set([...chosen.value, cursor.value, ...(next ? [next.id] : [])])
  byKey.value = true
  if (next) cursor.value = next.id
}

/** Let the cursor, and with it the focus, be at the next task before these leave the view. @param {string[]} ids */
export function leaveRow(...ids) {
  const gone = new Set(ids)
  chosen.value = new Set([...chosen.value].filter((id) => !gone.has(id)))
  if (!cursor.value || !gone.has(cursor.value)) return
  const at = shown.value.findIndex((task) => task.id === cursor.value)
  const stays = (/** @type {Task} */ task) => !gone.has(task.id)
  byKey.value = true
  cursor.value =
    (shown.value.slice(at).find(stays) ?? shown.value.slice(0, Math.max(at, 0)).findLast(stays))?.id ?? null
}

/** Choose a task, or no longer. @param {string} id */
export function choose(id) {
  const next = new Set(chosen.value)
  if (!next.delete(id)) next.add(id)
  chosen.value = next
}

/** Let a task stay in the view until it is left. @param {string} id */
export const stay = (id) => (staying.value = new Set([...staying.value, id]))
