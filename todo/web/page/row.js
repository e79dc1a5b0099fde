/** One task in a list. */
import { useLayoutEffect, useRef } from "preact/hooks"
import { edit, purge, restore } from "./actions.js"
import { complete, movable, reorder, trash } from "./commands.js"
import { addDays, due, now, onDay, overdue, sayDue, sayRecurrence } from "./dates.js"
import { drag } from "./drag.js"
import { Edit, priorities } from "./edit.js"
import { html } from "./html.js"
import { byKey, choose, chosen, cursor, editing, leaveRow, more } from "./views.js"

/** @import { Task, Priority } from "./types" @import { VNode } from "preact" */

const TOUCH = matchMedia("(pointer: coarse)")

/** @typedef {{task: Task, current: boolean, picked: boolean, choosing: boolean, edited: boolean, opened: boolean, ordered: boolean, trashed: boolean, day: string}} Props */

/** @param {Props} props */
export function Row({ task, current, picked, choosing, edited, opened, ordered, trashed }) {
  const checkbox = useRef(/** @type {HTMLInputElement | null} */ (null))
  const item = useRef(/** @type {HTMLLIElement | null} */ (null))
  useLayoutEffect(() => {
    if (!current || edited || !byKey.value) return
    const control = checkbox.current ?? item.current?.querySelector("button")
    control?.focus({ preventScroll: true })
    item.current?.scrollIntoView({ block: "nearest" })
  }, [current, edited])
  if (edited) return html`<li class="row editing" data-id=${task.id}><${Edit} task=${task} /></li>`
  const id = `title-${task.id}`
  const pick = (/** @type {MouseEvent} */ event) => {
    byKey.value = false
    cursor.value = task.id
    const on = /** @type {Element} */ (event.target)
    const text = on.closest(".text") && !on.closest("a")
    if (event.ctrlKey || event.metaKey || event.shiftKey || (choosing && text)) choose(task.id)
    else if (text && !trashed && TOUCH.matches) editing.value = task.id
  }
  const button = (/** @type {string} */ name, /** @type {() => void} */ run, /** @type {object} */ props = {}) =>
    html`<button type="button" class="quiet" aria-describedby=${id} onClick=${run} ...${props}>${name}</button>`
  return html`<li
    ref=${item}
    class=${`row ${task.completed ? "completed" : ""} ${current ? "current" : ""} ${picked ? "picked" : ""}`}
    data-id=${task.id}
    aria-current=${current ? "true" : null}
    onFocusIn=${() => ((byKey.value = false), (cursor.value = task.id))}
    onClickCapture=${pick}
  >
    <div class="lead">
      ${ordered && !choosing && html`<span class="handle" aria-hidden="true" title="Drag to move" onPointerDown=${drag}>⠿</span>`}
      ${choosing && html`<button type="button" class="pick" aria-pressed=${String(picked)} aria-describedby=${id} onClick=${() => choose(task.id)}>${picked ? "Selected" : "Select"}</button>`}
      ${!trashed && html`<input ref=${checkbox} type="checkbox" aria-labelledby=${id} checked=${task.completed} onChange=${() => complete(task)} />`}
    </div>
    <div class="body">
      <div class="text" onDblClick=${() => !trashed && (editing.value = task.id)}>
        <span id=${id} class="title" dir="auto">${task.title}</span>
        ${task.description && html`<p class="notes" dir="auto">${linked(task.description)}</p>`}
        <${Meta} task=${task} />
      </div>
      <div class="actions">
        ${
          trashed
            ? [
                button("Restore", () => (leaveRow(task.id), restore(task))),
                button(
                  "Delete for good",
                  () =>
                    confirm(`Delete “${task.title}” for good? This cannot be undone.`) &&
                    (leaveRow(task.id), purge(task)),
                ),
              ]
            : [
                button("Edit", () => (editing.value = task.id)),
                button("Delete", () => trash(task)),
                button("More", () => (more.value = opened ? null : task.id), { "aria-expanded": String(opened) }),
              ]
        }
      </div>
    </div>
    ${opened && !trashed && html`<${More} task=${task} />`}
  </li>`
}

/** @param {{task: Task}} props */
function Meta({ task }) {
  const at = due(task)
  const parts = [
    at &&
      html`<span class=${overdue(task) ? "due late" : "due"}
        >${overdue(task) ? "Overdue: " : ""}<time datetime=${task.due_date}>${sayDue(at)}</time></span
      >`,
    task.priority &&
      html`<span class=${`priority ${task.priority}`}
        >${task.priority === "urgent" ? "‼ " : task.priority === "high" ? "! " : ""}${task.priority}</span
      >`,
    task.recurrence && html`<span>↻ ${sayRecurrence(task.recurrence)}</span>`,
    ...task.tags.map((tag) => html`<a class="tag" dir="auto" href=${`#/tag/${encodeURIComponent(tag)}`}>#${tag}</a>`),
  ].filter(Boolean)
  return parts.length ? html`<div class="meta">${parts}</div>` : null
}

/** What else can be done with a task: all of it without dragging or typing. @param {{task: Task}} props */
function More({ task }) {
  const today = now.value.slice(0, 10)
  const weekday = new Date(`${today}T00:00Z`).getUTCDay()
  const at = (/** @type {string | null} */ day) => () => edit(task, onDay(task, day))
  const changed = new Date(task.updated_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })
  const act = (/** @type {string} */ name, /** @type {() => void} */ run) =>
    html`<button type="button" aria-describedby=${`title-${task.id}`} onClick=${run}>${name}</button>`
  const priority = (/** @type {Event} */ event) =>
    edit(task, {
      priority: /** @type {Priority | null} */ (/** @type {HTMLSelectElement} */ (event.target).value || null),
    })
  return html`<div class="more" role="group" aria-label="More" aria-describedby=${`title-${task.id}`}>
    ${act("Due today", at(today))} ${act("Due tomorrow", at(addDays(today, 1)))}
    ${act("Due next week", at(addDays(today, (8 - weekday) % 7 || 7)))} ${task.due_date && act("No due date", at(null))}
    <label
      >Priority
      <select onChange=${priority}>
        ${priorities(task.priority)}
      </select></label
    >
    ${movable() && [act("Move up", () => reorder(task, -1)), act("Move down", () => reorder(task, 1)), act("Move to the top", () => reorder(task, "front"))]}
    ${act(chosen.value.has(task.id) ? "Deselect" : "Select", () => choose(task.id))}
    <small>Changed <time datetime=${task.updated_at}>${changed}</time></small>
  </div>`
}

/** Text with its web addresses as links; nothing else of it is markup. @param {string} text @returns {(string | VNode)[]} */
function linked(text) {
  return text
    .split(/(\bhttps?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'])/u)
    .map((part, index) =>
      index % 2 ? html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>` : part,
    )
}
