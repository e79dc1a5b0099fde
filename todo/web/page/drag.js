/** Dragging a task to another place, by mouse, pen or finger. Keys and buttons do the same without. */
import { move } from "./actions.js"
import { tasks } from "./store.js"
import { shown } from "./views.js"

/** @param {PointerEvent} event a press on the handle of a row */
export function drag(event) {
  const handle = /** @type {HTMLElement} */ (event.currentTarget)
  const row = /** @type {HTMLElement} */ (handle.closest("[data-id]"))
  const task = tasks.value.get(row.dataset.id ?? "")
  if (!task || event.button) return
  event.preventDefault()
  handle.setPointerCapture(event.pointerId)
  row.classList.add("dragged")
  /** @type {HTMLElement | null} */
  let over = null
  let below = false
  const mark = (/** @type {HTMLElement | null} */ next) => {
    over?.classList.remove("drop-above", "drop-below")
    over = next
    over?.classList.add(below ? "drop-below" : "drop-above")
  }
  handle.onpointermove = ({ clientX, clientY }) => {
    const next = /** @type {HTMLElement | null} */ (
      document.elementFromPoint(clientX, clientY)?.closest("[data-id]") ?? null
    )
    const box = next?.getBoundingClientRect()
    below = Boolean(box && clientY > box.top + box.height / 2)
    mark(next)
    if (clientY < 60 || clientY > innerHeight - 60) scrollBy(0, clientY < 60 ? -20 : 20)
  }
  const end = (/** @type {boolean} */ drop) => () => {
    const target = over?.dataset.id
    mark(null)
    row.classList.remove("dragged")
    handle.onpointermove = handle.onpointerup = handle.onpointercancel = null
    if (!drop || !target || target === task.id) return
    const others = shown.value.filter((each) => each.id !== task.id)
    const index = others.findIndex((each) => each.id === target)
    move(task, (below ? others[index] : others[index - 1]) ?? null)
  }
  handle.onpointerup = end(true)
  handle.onpointercancel = end(false)
}
