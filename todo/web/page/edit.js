/** Editing one task in its place, and the box for a new one. */
import { signal } from "@preact/signals"
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { add, edit } from "./actions.js"
import { sayDue, sayRecurrence, due, zone } from "./dates.js"
import { html } from "./html.js"
import { clock, parseDue, taskFrom, timeZoneOf } from "./quick-add.js"
import { same } from "./store.js"
import { byKey, cursor, editing, route, stay } from "./views.js"

/** @import { Entered, Task, TaskEdit, NewTask as Fields } from "./types" */

const WORDS = ["daily", "weekly", "monthly", "yearly"]

/** @param {string} text */
const tagsOf = (text) =>
  text
    .split(",")
    .map((tag) => tag.trim().replace(/^#/, ""))
    .filter(Boolean)

const DAY_OR_TIME = /^\d{4}-\d\d-\d\d( \d\d:\d\d)?$/

/** What a form shows of a task. @param {Task} task @returns {Record<string, string>} */
function shownOf(task) {
  const at = due(task)
  return {
    title: task.title,
    description: task.description ?? "",
    due: at ? `${at.day} ${at.time ?? ""}`.trim() : "",
    priority: task.priority ?? "",
    repeat: task.recurrence && !WORDS.includes(task.recurrence) ? "custom" : (task.recurrence ?? ""),
    rule: task.recurrence ?? "FREQ=WEEKLY;INTERVAL=2",
    from: task.recurrence_from ?? "due",
    tags: task.tags.join(", "),
  }
}

/** Forms that left the page neither saved nor cancelled: one scrolled on, or looked at another view. @type {Map<string, {seen: Task, given: Record<string, string>}>} */
const left = new Map()

/** @param {{task: Task}} props */
export function Edit({ task }) {
  // What others change meanwhile is found when this is sent.
  const { seen, given } = useRef(left.get(task.id) ?? { seen: task, given: shownOf(task) }).current
  const shown = useRef(shownOf(seen)).current
  const [words, setWords] = useState(given.due ?? "")
  const [rule, setRule] = useState(given.repeat ?? "")
  const box = useRef(/** @type {HTMLFormElement | null} */ (null))
  const closed = useRef(false)
  /** @returns {Record<string, string>} what the form holds; a field that it does not show is as it was */
  const read = () => ({
    ...shown,
    .../** @type {object} */ (Object.fromEntries(new FormData(box.current ?? undefined))),
  })
  useLayoutEffect(() => {
    const title = /** @type {HTMLInputElement} */ (box.current?.elements.namedItem("title"))
    title.focus({ preventScroll: true })
    box.current?.scrollIntoView({ block: "nearest" })
    if (!left.delete(seen.id)) title.select()
    stay(seen.id)
    return () => {
      if (!closed.current && !same(read(), shown)) left.set(seen.id, { seen, given: read() })
    }
  }, [])
  const kept = words === shown.due
  const nothing = { due_date: null, recurrence: null, recurrence_from: null }
  const exact = kept ? seen.due_date : DAY_OR_TIME.test(words) && words.replace(" ", "T") // also of the past
  const parsed = exact || kept ? { ...nothing, due_date: exact || null } : parseDue(words, clock())
  const understood = parsed === null ? nothing : parsed
  const at = kept ? due(seen) : due({ ...seen, due_date: understood?.due_date ?? null, time_zone: zone() })
  const close = () => {
    closed.current = true
    byKey.value = true
    cursor.value = seen.id
    editing.value = null
  }
  const save = (/** @type {Event} */ event) => {
    event.preventDefault()
    if (!understood) return
    const text = read()
    const ruled = understood.recurrence === null // by the fields, not by the words
    const recurrence = (ruled ? (rule === "custom" ? text.rule?.trim() : rule) : understood.recurrence) || null
    const from = text.from === shown.from ? seen.recurrence_from : text.from
    /** @type {Record<string, unknown>} */
    const now = {
      title: text.title?.trim(),
      description: text.description === shown.description ? seen.description : text.description?.trim() || null,
      due_date: understood.due_date,
      priority: text.priority || null,
      tags: text.tags === shown.tags ? seen.tags : tagsOf(text.tags ?? ""),
      recurrence,
      recurrence_from: recurrence && (ruled ? from : understood.recurrence_from),
    }
    if (!kept || (recurrence !== seen.recurrence && !seen.time_zone))
      now.time_zone = timeZoneOf({ due_date: understood.due_date, recurrence }, zone())
    const was = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (seen))
    const fields = Object.fromEntries(Object.entries(now).filter(([name, value]) => !same(value, was[name] ?? null)))
    if (Object.keys(fields).length) edit(seen, /** @type {TaskEdit} */ (fields))
    close()
  }
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) box.current?.requestSubmit()
    if (event.key !== "Escape" || event.isComposing) return
    event.stopPropagation()
    close()
  }
  return html`<form ref=${box} class="edit" aria-label="Edit task" onSubmit=${save} onKeyDown=${keys}>
    <label>Title <input name="title" required maxlength="255" dir="auto" defaultValue=${given.title} /></label>
    <label
      >Notes
      <textarea name="description" rows="3" maxlength="10000" dir="auto" defaultValue=${given.description}></textarea>
    </label>
    <div class="fields">
      <label
        >Due
        <input
          name="due"
          value=${words}
          placeholder="tomorrow 9am"
          aria-describedby="due-hint"
          aria-invalid=${String(!understood)}
          onInput=${(/** @type {Entered} */ event) => setWords(event.target.value)}
      /></label>
      <label
        >Pick a day
        <input
          type="date"
          value=${at?.day ?? ""}
          onInput=${(/** @type {Entered} */ event) => setWords(event.target.value && `${event.target.value} ${at?.time ?? ""}`.trim())}
      /></label>
      <label
        >Priority
        <select name="priority">
          ${priorities(given.priority)}
        </select></label
      >
      <label
        >Repeat
        <select name="repeat" value=${rule} onChange=${(/** @type {Entered} */ event) => setRule(event.target.value)}>
          ${["", ...WORDS, "custom"].map((name) => html`<option value=${name} selected=${name === rule}>${name || "never"}</option>`)}
        </select></label
      >
      ${rule === "custom" && html`<label>Rule <input name="rule" defaultValue=${given.rule} /></label>`}
      ${
        rule &&
        html`<label
          >Next one counted from
          <select name="from">
            <option value="due">the due date</option>
            <option value="completion" selected=${given.from === "completion"}>its completion</option>
          </select></label
        >`
      }
      <label>Tags, with commas <input name="tags" dir="auto" defaultValue=${given.tags} /></label>
    </div>
    <p id="due-hint" class=${understood ? "hint" : "late"}>
      ${understood ? [at ? `Due: ${sayDue(at)}` : "No due date", understood.recurrence && `↻ ${sayRecurrence(understood.recurrence)}`].filter(Boolean).join(" ") : "Not understood: try “fri 9am”, “in 3 days” or 2027-03-01"}
    </p>
    <p><button type="submit" class="primary">Save</button> <button type="button" onClick=${close}>Cancel</button></p>
  </form>`
}

/** The options of a priority. @param {string | null | undefined} chosen */
export const priorities = (chosen) =>
  ["", "low", "medium", "high", "urgent"].map(
    (name) => html`<option value=${name} selected=${name === (chosen ?? "")}>${name || "none"}</option>`,
  )

/** What is written in the box for a new task; a refused task comes back into it. */
export const draft = signal("")

/** The task that a line makes in this view, or null. @param {string} text @throws {RangeError} that says what is wrong with it */
function taskHere(text) {
  if (!text.trim()) return null
  const fields = taskFrom(text, clock(), zone())
  const { name, value } = route.value
  if (name === "today") fields.due_date ??= clock().slice(0, 10)
  if (name === "tag" && !fields.tags.some((tag) => tag.toLowerCase() === value.toLowerCase())) fields.tags.push(value)
  return /** @type {Fields} */ (fields)
}

export function NewTask() {
  let [fields, wrong] = [/** @type {Fields | null} */ (null), ""]
  try {
    fields = taskHere(draft.value)
  } catch (error) {
    wrong = /** @type {RangeError} */ (error).message
  }
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    if (!fields) return
    add(fields)
    draft.value = ""
    document.getElementById("new-task")?.focus() // the button is disabled now
  }
  const at = fields?.due_date ? due(/** @type {Task} */ (/** @type {unknown} */ (fields))) : null
  const parts = fields
    ? [
        at && sayDue(at),
        fields.recurrence && `↻ ${sayRecurrence(fields.recurrence)}`,
        fields.priority && `! ${fields.priority}`,
        ...(fields.tags ?? []).map((tag) => `#${tag}`),
      ].filter(Boolean)
    : []
  return html`<form class="new" onSubmit=${submit}>
    <input
      id="new-task"
      aria-label="New task"
      aria-describedby="preview"
      maxlength="1000"
      autocomplete="off"
      enterkeyhint="done"
      dir="auto"
      placeholder="New task: Pay rent tomorrow 9am #home !high every month"
      value=${draft.value}
      onInput=${(/** @type {Entered} */ event) => (draft.value = event.target.value)}
    />
    <button type="submit" class="primary" disabled=${!fields}>Add</button>
    <p id="preview" class="preview" dir="auto">
      ${wrong || (fields && html`<b>${fields.title}</b> ${parts.map((part) => html`<span class="chip">${part}</span>`)}`)}
    </p>
  </form>`
}
