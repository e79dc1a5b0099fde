/**
 * The review: what was done in the last 12 weeks, what is open, and by tag, in pictures that are tables too.
 *
 * Their SVG has neither text nor a viewBox: bars are in percent and text in rem, so both are readable at any width.
 *
 * @typedef {import("./types").Task} Task
 * @typedef {{ name: string, done: number, open: number }} Counts
 * @typedef {{ date: string, count: number }} Day `date` as YYYY-MM-DD
 */
import { h } from "preact"
import { useMemo } from "preact/hooks"
import { html } from "./html.js"

const DAYS = 84
const DAY_MS = 86_400_000
const TOP_TAGS = 10

/**
 * How many tasks were completed on each of the last 84 days, the oldest first.
 *
 * A day is one of the person's calendar. Days are told apart by their dates, and not by durations, since a day on which
 * clocks change has 23 or 25 hours.
 *
 * @param {readonly Pick<Task, "completed_at">[]} tasks
 * @param {string} today the local date, YYYY-MM-DD
 * @returns {Day[]}
 */
export function perDay(tasks, today) {
  const first = Date.parse(today) - (DAYS - 1) * DAY_MS // dates as days in UTC, all of which have 24 hours
  const counts = Array.from({ length: DAYS }, () => 0)
  for (const { completed_at } of tasks) {
    if (!completed_at) continue
    const at = new Date(completed_at)
    const index = (Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - first) / DAY_MS
    if (index >= 0 && index < DAYS) counts[index] += 1
  }
  return counts.map((count, index) => ({ date: new Date(first + index * DAY_MS).toISOString().slice(0, 10), count }))
}

/**
 * Done and open tasks of the 10 tags that have the most, the most used first, and of all others together.
 *
 * Tags that differ in case only are one, in the spelling that comes first. A task counts for each of its tags, but once
 * for the others.
 *
 * @param {readonly Pick<Task, "completed" | "tags">[]} tasks
 * @returns {{ top: Counts[], others: { tags: number, done: number, open: number } }}
 */
export function byTag(tasks) {
  /** @type {Map<string, Counts>} by the tag in lower case */
  const found = new Map()
  for (const { completed, tags } of tasks) {
    for (const tag of tags) {
      const key = tag.toLowerCase()
      const counts = found.get(key) ?? { name: tag, done: 0, open: 0 }
      counts[completed ? "done" : "open"] += 1
      found.set(key, counts)
    }
  }
  const { compare } = new Intl.Collator()
  const sorted = [...found.values()].sort((a, b) => b.done + b.open - a.done - a.open || compare(a.name, b.name))
  const top = sorted.slice(0, TOP_TAGS)
  const shown = new Set(top.map(({ name }) => name.toLowerCase()))
  const rest = tasks.filter(({ tags }) => tags.some((tag) => !shown.has(tag.toLowerCase())))
  const done = rest.filter((task) => task.completed).length
  return { top, others: { tags: sorted.length - top.length, done, open: rest.length - done } }
}

const number = new Intl.NumberFormat().format
const long = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" })
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" })
const date = (/** @type {Day} */ day, format = long) => format.format(Date.parse(day.date))
const percent = (/** @type {number} */ part, /** @type {number} */ whole) => `${(100 * part) / whole}%`
const sum = (/** @type {Day[]} */ days) => days.reduce((total, { count }) => total + count, 0)

/** @param {{ tasks: readonly Task[], today: string }} props all tasks outside the trash; the local date, YYYY-MM-DD */
export function Review({ tasks, today }) {
  const days = useMemo(() => perDay(tasks, today), [tasks, today])
  const { top, others } = useMemo(() => byTag(tasks), [tasks])
  if (!tasks.length) {
    return html`<p>Nothing to review yet. Complete a task, and it is counted here, by day and by tag.</p>`
  }
  const done = tasks.filter((task) => task.completed).length
  const tags = top.map((counts) => ({ ...counts, name: `#${counts.name}` }))
  if (others.tags) tags.push({ ...others, name: `other tags: ${number(others.tags)}` })
  return html`<div class="review">
    <p>${number(sum(days.slice(-7)))} done in the last 7 days, ${number(sum(days.slice(-14, -7)))} in the 7 before.</p>
    <h2>Done in the last 12 weeks</h2>
    ${sum(days) ? h(Days, { days }) : html`<p>Nothing. Complete a task, and its day gets a bar here.</p>`}
    <h2>Done and open</h2>
    <p class="key">
      <span><svg aria-hidden="true">${rect("done", "100%")}</svg> done</span>
      <span><svg aria-hidden="true">${hatch()}${rect("open", "100%")}</svg> open</span>
    </p>
    ${h(Bars, { of: "Tasks", counts: [{ name: "all tasks", done, open: tasks.length - done }] })}
    <h2>By tag</h2>
    ${tags.length ? h(Bars, { of: "Tags", counts: tags }) : html`<p>No task has a tag yet. Add one, such as #home.</p>`}
  </div>`
}

const hatch = () =>
  html`<pattern id="review-open" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect width="1.5" height="6" />
  </pattern>`

/** Part of a picture, solid for what is done and hatched for what is open. @param {"done" | "open"} kind */
const rect = (kind, width = "0", x = "0", height = "100%", y = "0") =>
  h("rect", { class: kind, x, y, width, height, fill: kind === "open" ? "url(#review-open)" : undefined })

/**
 * A picture whose name says the gist, and the same as a table, whose first row and column are its headers.
 *
 * @type {(gist: string, picture: object, caption: string, table: string[][]) => import("preact").ComponentChildren}
 */
const pictured = (gist, picture, caption, table) => html`
  <div role="img" aria-label=${gist}>${picture}</div>
  <details>
    <summary>As a table</summary>
    <table>
      ${h("caption", null, caption)}${table.map((cells, row) => {
        const th = (/** @type {string} */ cell) => h("th", { scope: row ? "row" : "col" }, cell)
        return h("tr", null, ...cells.map((cell, column) => (row && column ? h("td", null, cell) : th(cell))))
      })}
    </table>
  </details>
`

/** @param {{ days: Day[] }} props */
function Days({ days }) {
  const most = days.reduce((best, day) => (day.count >= best.count ? day : best))
  const gist = `${number(sum(days))} done in 12 weeks, the most on ${date(most)}: ${number(most.count)}`
  const part = (/** @type {number} */ count) => percent(count, most.count)
  const bars = days.map(({ count }, index) =>
    rect("done", percent(0.8, DAYS), percent(index + 0.1, DAYS), part(count), part(most.count - count)),
  )
  const picture = html`<div class="days">
    <div class="scale"><span>${number(most.count)}</span><span>${number(0)}</span></div>
    <svg aria-hidden="true">${bars}</svg>
    <div class="starts">${[0, 28, 56].map((index) => html`<span>${date(days[index], short)}</span>`)}</div>
  </div>`
  const rows = days.filter(({ count }) => count).map((day) => [date(day), number(day.count)])
  return pictured(gist, picture, "By day, without days with none", [["Day", "Done"], ...rows.reverse()])
}

/** @param {{ of: string, counts: Counts[] }} props */
function Bars({ of, counts }) {
  const whole = Math.max(...counts.map(({ done, open }) => done + open))
  const part = (/** @type {number} */ count) => percent(count, whole)
  const numbers = (/** @type {Counts} */ { done, open }) => `${number(done)} done, ${number(open)} open`
  const bars = counts.map(
    (each) =>
      html`<div class="label"><bdi>${each.name}</bdi> <span>${numbers(each)}</span></div>
        <svg class="bar" aria-hidden="true">
          ${rect("done", part(each.done))}${rect("open", part(each.open), part(each.done))}
        </svg>`,
  )
  const gist = counts.slice(0, 3).map((each) => `${each.name}: ${numbers(each)}`)
  const rows = counts.map(({ name, done, open }) => [name, number(done), number(open)])
  return pictured(gist.join("; "), bars, `${of}, done and open`, [[of, "Done", "Open"], ...rows])
}
