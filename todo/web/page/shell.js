/** The page around the list: header, views, what was done, what went wrong. */
import { useEffect } from "preact/hooks"
import { editAll, notice, settle, undo } from "./actions.js"
import { Account } from "./account.js"
import { chosenTasks, completeChosen, focusOn, listenForKeys, removeChosen } from "./commands.js"
import { addDays, now, onDay } from "./dates.js"
import { Dialogs } from "./dialogs.js"
import { draft, NewTask } from "./edit.js"
import { html, later } from "./html.js"
import { List } from "./list.js"
import { ended } from "./session.js"
import { Ended, SignOut } from "./signout.js"
import { outbox, pending, ready, revision } from "./store.js"
import { delay, online } from "./connection.js"
import { dismiss, refusal } from "./outgoing.js"
import { keepInSync } from "./sync.js"
import { updated } from "./worker.js"
import { chosen, counts, go, present, route, shown, tags, title, TITLES, VIEWS } from "./views.js"

/** @import { Entered, Json } from "./types" @import { Op } from "./store.js" */

const Review = later(async () => (await import("./review.js")).Review)
const Settings = later(async () => (await import("./settings.js")).Settings)

listenForKeys()

/** The page of a user, also when their session has ended. */
export const App = () => html`<${ended.value ? Ended : Page} />`

function Page() {
  useEffect(keepInSync, [])
  useEffect(() => void (location.hash.endsWith("?new") && focusOn("#new-task")), [])
  const name = route.value.name
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the tasks</a>
    <header>
      <h1>Todo</h1>
      <form role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <input
          id="search"
          type="search"
          aria-label="Search"
          placeholder="Search"
          value=${name === "search" ? route.value.value : ""}
          onInput=${search}
        />
      </form>
      <${Status} />
      <${Account} />
    </header>
    <${Views} />
    <main id="main" tabindex="-1">
      <${Updated} />
      <${Conflicts} />
      <h2 tabindex="-1" dir="auto">${title.value}</h2>
      ${
        name === "review"
          ? html`<${Review} tasks=${present.value} today=${now.value.slice(0, 10)} />`
          : name === "account"
            ? html`<${Settings} />`
            : html`<${Tasks} />`
      }
    </main>
    <${Notices} />
    <${Dialogs} />
    <${SignOut} />`
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault()
  document.getElementById("main")?.focus()
}

/** @param {Entered} event */
function search({ target }) {
  if (route.value.name === "search") history.replaceState(null, "", `#/search/${encodeURIComponent(target.value)}`)
  else if (target.value) go("search", target.value)
  if (route.value.name === "search") dispatchEvent(new HashChangeEvent("hashchange"))
}

function Views() {
  const link = (/** @type {string} */ to, /** @type {string} */ name, /** @type {number | undefined} */ count) => {
    const { name: view, value } = route.value
    const here = decodeURIComponent(to).toLowerCase() === `#/${view}${view === "tag" ? `/${value.toLowerCase()}` : ""}`
    return html`<li>
      <a href=${to} dir="auto" aria-current=${here ? "page" : null}
        >${name}${count ? html`<span class="count" aria-hidden="true">${count}</span>` : null}</a
      >
    </li>`
  }
  return html`<nav aria-label="Views">
    <ul>
      ${[...VIEWS, "review"].map((name) => link(`#/${name}`, TITLES[name] ?? "", counts.value[name]))}
    </ul>
    ${
      tags.value.length > 0 &&
      html`<h2 id="tags">Tags</h2>
        <ul class="tags" aria-labelledby="tags">
          ${tags.value.slice(0, 30).map(({ tag, count }) => link(`#/tag/${encodeURIComponent(tag)}`, `#${tag}`, count))}
        </ul>`
    }
  </nav>`
}

const EMPTY = /** @type {Record<string, string>} */ ({
  inbox: "Nothing to do. Add a task above: “Call Grandma Sunday 5pm #family” sets its date and tag too.",
  today: "Nothing is due today. Overdue tasks show here too.",
  upcoming: "Nothing is planned. Give a task a date: “Dentist 3 March 10am”.",
  done: "Nothing is done yet. Tick a task, and it moves here.",
  trash: "The trash is empty. Deleted tasks stay here for 30 days.",
  tag: "No open task has this tag.",
  search: "No task has all of these words.",
})

function Tasks() {
  const { name, value } = route.value
  const adding = name !== "trash" && name !== "done" && name !== "search"
  const empty = name === "search" && !value.trim() ? "Type words from titles, notes or tags." : EMPTY[name]
  const loading = !ready.value || (revision.value === null && !shown.value.length)
  return html`${adding && html`<${NewTask} />`}
    <${Chosen} />
    ${shown.value.length > 0 ? html`<${List} />` : html`<p class="empty">${loading ? (online.value ? "Loading…" : "You are offline, and your tasks are not on this device yet.") : empty}</p>`}`
}

/** What can be done with the selected tasks. */
function Chosen() {
  const these = chosenTasks()
  if (!these.length) return null
  const today = now.value.slice(0, 10)
  const due = (/** @type {string | null} */ day) => () => (
    editAll(these, (task) => onDay(task, day)),
    (chosen.value = new Set())
  )
  const tag = (/** @type {Entered} */ { target }) => {
    const text = target.value.trim().replace(/^#/, "")
    const has = (/** @type {string} */ each) => each.toLowerCase() === text.toLowerCase()
    const lacking = these.filter(({ tags }) => tags.length < 20 && !tags.some(has)) // of more than 20 the server refuses all
    if (text) editAll(lacking, (task) => ({ tags: [...task.tags, text] }))
    target.value = ""
  }
  return html`<div class="chosen" role="group" aria-label="Selected tasks">
    <b>${these.length} selected</b>
    <button onClick=${() => (chosen.value = new Set())}>Clear</button>
    <button onClick=${completeChosen}>${these.some((task) => !task.completed) ? "Complete" : "Reopen"}</button>
    <button onClick=${removeChosen}>Delete</button><button onClick=${due(today)}>Today</button>
    <button onClick=${due(addDays(today, 1))}>Tomorrow</button><button onClick=${due(null)}>No date</button>
    <input size="6" aria-label="Add a tag" placeholder="Add a tag" onChange=${tag} />
  </div>`
}

/** Whether the server answers, and what it has not got yet. */
function Status() {
  const waiting = pending.value.filter((op) => !op.conflict).length
  const unsent = waiting ? `${waiting} ${waiting === 1 ? "change waits" : "changes wait"}` : ""
  const text = !online.value
    ? ["Offline", unsent].filter(Boolean).join(": ")
    : delay.value
      ? `${delay.value} ${unsent}`
      : ""
  return html`<p class="status" role="status">${text}</p>`
}

function Updated() {
  return (
    updated.value &&
    html`<p class="card">
      There is a new version of this page. <button onClick=${() => location.reload()}>Reload</button>
    </p>`
  )
}

/** Tasks of which two people, or devices, have changed the same text: both are kept until one chooses. */
function Conflicts() {
  const these = outbox.value.filter((op) => op.conflict)
  return html`<div aria-live="polite">${these.map((op) => html`<${Conflict} key=${op.n} op=${op} />`)}</div>`
}

/** @param {{op: Op}} props */
function Conflict({ op }) {
  const theirs = /** @type {Json} */ (op.conflict)
  const names = Object.keys(op.fields ?? {})
  const show = (/** @type {Json} */ of) =>
    names.map(
      (name) =>
        html`<dt>${name.replace("_", " ")}</dt>
          <dd dir="auto">${String(of[name] ?? "none")}</dd>`,
    )
  return html`<section class="card conflict" aria-label=${`“${theirs.title}” was changed elsewhere too`}>
    <h3>“${theirs.title}” was changed elsewhere too</h3>
    <div class="versions">
      <div>
        <h4>Yours</h4>
        <dl>${show(op.fields)}</dl>
        <button class="primary" onClick=${() => settle(op, "mine")}>Keep yours</button>
      </div>
      <div>
        <h4>The other</h4>
        <dl>${show(theirs)}</dl>
        <button onClick=${() => settle(op, "theirs")}>Keep the other</button>
      </div>
    </div>
    ${(names.includes("title") || names.includes("description")) && html`<button onClick=${() => settle(op, "both")}>Keep both texts</button>`}
  </section>`
}

const SHOWN = 10_000 // milliseconds that a notice stays

function Notices() {
  const said = notice.value
  useEffect(() => {
    if (!said) return
    const hide = () =>
      document.querySelector(".toasts:hover, .toasts:focus-within")
        ? (timer = setTimeout(hide, 2000))
        : notice.value === said && (notice.value = null)
    let timer = setTimeout(hide, SHOWN)
    return () => clearTimeout(timer)
  }, [said])
  const refused = refusal.value
  return html`<div class="toasts">
    <div role="alert">
      ${refused && html`<div class="toast refused"><span>Not saved: ${refused.op.label}. ${refused.why}</span> <button onClick=${again}>Try again</button><button onClick=${dismiss}>Dismiss</button></div>`}
    </div>
    <div role="status">
      ${
        said &&
        html`<div class="toast">
          <span dir="auto">${said.text}</span>
          ${said.group && html`<button onClick=${() => undo(said.group)}>Undo</button>`}
          <button aria-label="Dismiss" onClick=${() => (notice.value = null)}>✕</button>
        </div>`
      }
    </div>
  </div>`
}

/** Give the person their text back: a new task into its box, an edit into its form. */
function again() {
  const op = refusal.value?.op
  dismiss()
  const body = /** @type {Json} */ (op?.body)
  if (op?.path === "/tasks" && body) {
    const { title, due_date, priority, tags = [], recurrence } = body
    const when = [due_date?.replace("T", " "), recurrence?.includes("=") ? "" : recurrence]
    const marks = [priority && `!${priority}`, ...tags.map((/** @type {string} */ tag) => `#${tag}`)]
    draft.value = [title, ...when, ...marks].filter(Boolean).join(" ")
    go("inbox")
  } else if (op)
    notice.value = {
      text: `Your text was: ${[op.fields?.title, op.fields?.description].filter(Boolean).join(" – ") || op.label}`,
    }
}
