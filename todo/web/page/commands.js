/** All that keys and the command menu can do, in one table: the help, the menu and the key presses read it. */
import { signal } from "@preact/signals"
import { completeAll, move, remove, removeAll, toggle, undo } from "./actions.js"
import {
  TITLES,
  choose,
  chosen,
  cursor,
  dialog,
  editing,
  go,
  leaveRow,
  more,
  route,
  shown,
  stay,
  step,
} from "./views.js"

/** @import { Task } from "./types" */

/** Whether keys without a modifier act (WCAG 2.2, 2.1.4); the browser keeps it. */
export const singleKeys = signal(localStorage.getItem("todo.keys") !== "off")

/** Let single keys act, or not. @param {boolean} on */
export function setSingleKeys(on) {
  singleKeys.value = on
  localStorage.setItem("todo.keys", on ? "on" : "off")
}

/** The task at the cursor, as it is this moment. @returns {Task | undefined} */
const current = () => shown.value.find((task) => task.id === cursor.value)
/** The chosen tasks, in their order. */
export const chosenTasks = () => (inTrash() ? [] : shown.value.filter((task) => chosen.value.has(task.id)))
const inTrash = () => route.value.name === "trash"

/** Complete or reopen a task, which stays where it is while the view is shown. @param {Task} task */
export function complete(task) {
  stay(task.id)
  toggle(task)
}

/** @param {Task} task */
export function trash(task) {
  leaveRow(task.id)
  remove(task)
}

/** Move a task up or down among those that are shown, or to the front. @param {Task} task @param {-1 | 1 | "front"} where */
export function reorder(task, where) {
  const list = shown.value
  const index = list.indexOf(task)
  if (where === 1 ? index > list.length - 2 : index < 1) return
  move(task, (where === 1 ? list[index + 1] : where === -1 ? list[index - 2] : null) ?? null)
}

/** Whether the view shows the user's own order, in which tasks can be moved. */
export const movable = () => route.value.name === "inbox" || route.value.name === "tag"

/** Focus what is about to be shown, unless a key has moved on meanwhile. @param {string} selector */
export function focusOn(selector) {
  const at = cursor.value
  const focus = () => /** @type {HTMLElement | null} */ (document.querySelector(selector))?.focus()
  requestAnimationFrame(() => cursor.value === at && focus())
}

/**
 * @typedef {object} Command
 * @property {string} name
 * @property {string} [key] `x`, `g i`, `Alt+ArrowUp`
 * @property {() => void} run
 * @property {boolean} [hidden] whether the menu leaves it out
 */

/** @type {Command[]} */
export const COMMANDS = [
  { name: "New task", key: "n", run: newTask },
  { name: "Search", key: "/", run: () => focusOn("#search") },
  { name: "Next task", key: "j", run: () => step(1), hidden: true },
  { name: "Previous task", key: "k", run: () => step(-1), hidden: true },
  { name: "Edit the task", key: "e", run: () => withCurrent((task) => (editing.value = task.id)) },
  {
    name: "Complete or reopen the task",
    key: "x",
    run: () => (chosen.value.size ? completeChosen() : withCurrent(complete)),
  },
  { name: "Delete the task", key: "d", run: () => (chosen.value.size ? removeChosen() : withCurrent(trash)) },
  {
    name: "More about the task",
    key: "m",
    run: () => withCurrent((task) => (more.value = more.value === task.id ? null : task.id)),
  },
  { name: "Select the task, to act on several", key: "s", run: () => withCurrent((task) => choose(task.id)) },
  { name: "Select all", run: () => (chosen.value = new Set(shown.value.map((task) => task.id))) },
  { name: "Clear the selection", run: () => (chosen.value = new Set()) },
  { name: "Move the task up", key: "Alt+ArrowUp", run: () => withCurrent((task) => movable() && reorder(task, -1)) },
  { name: "Move the task down", key: "Alt+ArrowDown", run: () => withCurrent((task) => movable() && reorder(task, 1)) },
  { name: "Undo", key: "z", run: () => undo() },
  ...["inbox", "today", "upcoming", "done", "trash", "review", "account"].map((name) => ({
    name: `Go to ${TITLES[name]}`,
    key: `g ${name === "trash" ? "x" : name.charAt(0)}`,
    run: () => (go(name), focusOn("main h2")),
  })),
  { name: "Keyboard shortcuts", key: "?", run: () => (dialog.value = "keys") },
  { name: "Commands", key: "Control+k", run: () => (dialog.value = "commands"), hidden: true },
]

function newTask() {
  if (!document.getElementById("new-task")) go("inbox")
  focusOn("#new-task")
}

/** @param {(task: Task) => void} act */
function withCurrent(act) {
  const task = current()
  if (task && !inTrash()) act(task)
}

/** Complete the chosen tasks, or reopen them where all are done. */
export function completeChosen() {
  const these = chosenTasks()
  these.forEach((task) => stay(task.id))
  completeAll(
    these,
    these.some((task) => !task.completed),
  )
  chosen.value = new Set()
}

export function removeChosen() {
  const these = chosenTasks()
  leaveRow(...these.map((task) => task.id))
  removeAll(these)
}

let prefix = ""

/** @param {KeyboardEvent} event */
function press(event) {
  const target = /** @type {HTMLElement} */ (event.target)
  const typing = target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")
  if (document.querySelector("dialog[open]") || event.isComposing) return
  if (event.key === "Escape") return escape(Boolean(typing), target)
  const modifiers = [event.altKey && "Alt", (event.ctrlKey || event.metaKey) && "Control"].filter(Boolean)
  const key = [
    ...modifiers,
    modifiers.length ? event.key.replace(/^[A-Z]$/, (letter) => letter.toLowerCase()) : event.key,
  ].join("+")
  if (!modifiers.length && (typing || !singleKeys.value)) return
  if (typing && key !== "Control+k") return
  if (key === "J" || key === "K") return (event.preventDefault(), step(key === "J" ? 1 : -1, true))
  const command = COMMANDS.find((each) => each.key === (prefix && !modifiers.length ? `${prefix} ${key}` : key))
  prefix = !prefix && key === "g" ? "g" : ""
  if (!command) return
  event.preventDefault()
  if (!event.repeat || "jk".includes(event.key) || modifiers.length) command.run() // a key that is held deletes one task
}

/** Close what is open, one thing at a time. @param {boolean} typing @param {HTMLElement} target */
function escape(typing, target) {
  if (typing) target.blur()
  else if (more.value) more.value = null
  else if (chosen.value.size) chosen.value = new Set()
}

/** Listen for keys, and let the focus not be lost when what had it leaves the page: the task at the cursor gets it, or the heading. */
export function listenForKeys() {
  document.addEventListener("keydown", press)
  /** @type {Element | null} */
  let last = null
  document.addEventListener("focusin", ({ target }) => (last = /** @type {Element} */ (target)))
  new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body) return
    const next = document.querySelector(".row.current :is(input, button)") ?? document.querySelector("main h2")
    last = null
    if (next instanceof HTMLElement) next.focus({ preventScroll: true })
  }).observe(document.body, { childList: true, subtree: true })
}
