/** Agents: the assistants that a person lets in, what each may do and did, revoking its token and taking back what it did. */
import { useEffect, useRef, useState } from "preact/hooks"
import { doneThere, newId, undo } from "./actions.js"
import { Make, Secret, useList, when } from "./form.js"
import { html } from "./html.js"
import { nextPage, read, ROOT } from "./requests.js"
import { authorized, BUILT_IN, MCP, own } from "./session.js"
import { said } from "./signin.js"
import { tags } from "./views.js"

/** @import { Agent, ApiTokenMade, Entered, LeftAsItIs, PastChange, TakenBack } from "./types" */

const PERMISSIONS = ["create", "edit", "complete", "delete", "undo"]
/** From when on to take back, by words @type {Record<string, () => number | null>} */
const SINCE = {
  everything: () => null,
  "what it did today": () => new Date().setHours(0, 0, 0, 0),
  "what it did in the last hour": () => Date.now() - 3_600_000,
}
const SHOWN = 100 // titles of tasks that stay as they are
/** @type {Record<string, string>} */
const VERBS = { create: "created", delete: "deleted", restore: "restored", purge: "deleted for good" }
const SERVERS = ["completed_at", "position", "series"] // fields that change where others do

const list = (/** @type {string[]} */ words) => new Intl.ListFormat("en-GB").format(words)
const fields = (/** @type {string[]} */ names) => list(names.map((name) => name.replaceAll("_", " ")))
const count = (/** @type {number} */ number, /** @type {string} */ what) =>
  `${number} ${what}${number === 1 ? "" : "s"}`

export function Agents() {
  const [agents, load, error] = /** @type {[Agent[], () => void, string]} */ (useList(own("/agents")))
  return html`<section class="card agents" aria-label="Agents">
      <h3>Agents</h3>
      <p>Assistants that you let keep tasks. What they changed can be taken back.</p>
      <p class="late" role="status">${error}</p>
      <ul>
        ${agents.map((agent) => html`<${One} key=${agent.id} agent=${agent} load=${load} />`)}
      </ul>
    </section>
    ${BUILT_IN && html`<${Add} load=${load} />`}`
}

/** What its token allows, in words. @param {Agent} agent */
function allowed({ token, scope, permissions, tag }) {
  if (!token) return html`<p>Has no token now.</p>`
  const all = scope === "read" ? [] : (permissions ?? PERMISSIONS)
  const acts = all.filter((name) => name !== "undo")
  const may = `May ${acts.length ? list(acts) : "only read"} tasks`
  return html`<p>${may}${tag && html` tagged <bdi>#${tag}</bdi>`}${all.includes("undo") && ", and undo changes"}.</p>`
}

/** @param {{agent: Agent, load: () => void}} props */
function One({ agent, load }) {
  const [opened, setOpened] = useState("")
  const item = useRef(/** @type {HTMLElement | null} */ (null))
  const close = () => (item.current?.querySelector("button")?.focus(), setOpened(""))
  const button = (/** @type {string} */ name) =>
    html`<button
      aria-expanded=${String(opened === name)}
      aria-describedby=${`agent-${agent.id}`}
      onClick=${() => setOpened(opened === name ? "" : name)}
    >
      ${name}
    </button>`
  const ends = agent.token ? `its token ends: ${when(agent.expires_at)}; last used: ${when(agent.last_used_at)}; ` : ""
  const props = { agent, load, close }
  return html`<li ref=${item}>
    <b id=${`agent-${agent.id}`} dir="auto">${agent.name}</b>
    ${allowed(agent)}
    <small>${ends}${count(agent.changes, "change")}</small>
    <p>
      ${agent.changes > 0 && [button("What it changed"), button("Undo what it did")]} ${agent.token && button("Revoke")}
    </p>
    ${opened === "What it changed" && html`<${Changes} id=${agent.id} />`}
    ${opened === "Undo what it did" && html`<${Ending} ...${props} />`}
    ${opened === "Revoke" && html`<${Ending} revoke ...${props} />`}
  </li>`
}

/** What a change did to its task, in words. @param {PastChange} change */
function verb({ kind, task, before, undoes }) {
  if (VERBS[kind]) return VERBS[kind]
  if (undoes !== null) return "took back a change of"
  if (before && "completed" in before) return task?.completed ? "completed" : "reopened"
  const names = Object.keys(before ?? {}).filter((name) => !SERVERS.includes(name))
  return names.length ? `changed ${fields(names)} of` : "moved"
}

/** What an agent changed, the newest first. @param {{id: string}} props */
function Changes({ id }) {
  const [changes, setChanges] = useState(/** @type {PastChange[]} */ ([]))
  const [next, setNext] = useState(/** @type {string | undefined} */ (own(`/agents/${id}/changes?limit=20`)))
  const [text, setText] = useState("Loading…")
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const show = async (/** @type {Response} */ answer) => {
    setChanges(changes.concat(await read(answer)))
    setText("")
    setNext(nextPage(answer))
    if (!nextPage(answer)) box.current?.focus() // since the button goes
  }
  const more = () =>
    authorized("GET", next ?? "")
      .then(show)
      .catch((problem) => setText(said(problem)))
  useEffect(() => void more(), [])
  return html`<div role="group" aria-label="What it changed" tabindex="-1" ref=${box}>
    <ul>
      ${changes.map(
        (each) =>
          html`<li key=${each.revision}>
            ${verb(each)} <bdi>${each.task ? `“${each.task.title}”` : "a task that is gone"}</bdi> ${" · "}<time
              datetime=${each.at}
              >${when(each.at)}</time
            >
          </li>`,
      )}
    </ul>
    <p role="status">${text}</p>
    ${next && text !== "Loading…" && html`<button class="older" onClick=${more}>${text ? "Try again" : "More"}</button>`}
  </div>`
}

/**
 * Take back what an agent changed, from a time on, or say what would become of it; the newest changes first, in parts.
 *
 * @param {string} id @param {string | null} since @param {string | null} key of the requests; null for a dry run
 */
async function takeBack(id, since, key) {
  const total = { undone: 0, tasks: 0, left: /** @type {LeftAsItIs[]} */ ([]), revisions: /** @type {number[]} */ ([]) }
  let before = null
  do {
    const headers = /** @type {Record<string, string>} */ (key ? { "Idempotency-Key": `${key}-${before}` } : {})
    const path = own(`/agents/${id}/undo?dry_run=${!key}`)
    /** @type {TakenBack} */
    const part = await read(await authorized("POST", path, { body: { since, before }, headers }))
    total.undone += part.undone
    total.tasks += part.tasks
    total.left.push(...part.conflicts)
    if (part.revision !== null) total.revisions.push(part.revision)
    before = part.before
  } while (before !== null)
  return total
}

/** @typedef {Awaited<ReturnType<typeof takeBack>> & {since: string | null, key: string}} Total */

/** Taking back what an agent did, and revoking its token before. @param {{agent: Agent, revoke?: boolean, load: () => void, close: () => void}} props */
function Ending({ agent, revoke, load, close }) {
  const [which, setWhich] = useState(revoke ? "" : "everything")
  const [total, setTotal] = useState(/** @type {Total | null} */ (null))
  const [text, setText] = useState("")
  const [busy, setBusy] = useState(false)
  const [keys, setKeys] = useState(/** @type {string[] | null} */ (null)) // when all is done: by what to undo it
  const say = (/** @type {unknown} */ problem) => setText(said(problem))
  useEffect(() => {
    setTotal(null)
    setText("")
    if (!which) return
    let isWanted = true
    const from = SINCE[which]?.() ?? null
    const since = from === null ? null : new Date(from).toISOString()
    takeBack(agent.id, since, null).then(
      (found) => isWanted && setTotal({ ...found, since, key: newId() }),
      (problem) => isWanted && say(problem),
    )
    return () => void (isWanted = false)
  }, [which])
  const act = async (/** @type {Event} */ event) => {
    const closing = /** @type {HTMLElement} */ (/** @type {Element} */ (event.currentTarget).nextElementSibling)
    setBusy(true)
    try {
      if (revoke && agent.token) await authorized("DELETE", `/api/auth/tokens/${agent.id}`).then(load)
      const found = total && { ...total, ...(await takeBack(agent.id, total.since, total.key)) }
      load()
      closing.focus()
      setText("")
      setTotal(found)
      setKeys(found ? doneThere(`Took back ${count(found.undone, "change")}`, found.revisions) : [])
    } catch (problem) {
      say(problem)
      load() // it may have been done
    }
    setBusy(false)
  }
  const left = total?.left ?? []
  const back = total && `${count(total.undone, "change")} of ${count(total.tasks, "task")}`
  const becomes = total?.undone ? `${back} ${keys ? "taken back" : "will be taken back"}` : "Nothing to take back"
  const stays = left.length ? `; ${count(left.length, "task")} kept, wholly or in part, because of later changes:` : "."
  return html`<div role="group" aria-label=${revoke ? "Revoke" : "Undo what it did"}>
    ${revoke && html`<p>${agent.token ? "Its token ends: after 30 seconds at most it can no longer use your tasks." : "Its token is revoked."}</p>`}
    ${
      !keys &&
      html`<label
        >${revoke ? "Undo too" : "Undo"}
        <select onChange=${(/** @type {Entered} */ event) => setWhich(event.target.value)}>
          ${revoke && html`<option value="">nothing</option>`}
          ${Object.keys(SINCE).map((words) => html`<option>${words}</option>`)}
        </select></label
      >`
    }
    <p role="status">${text || (total && becomes + stays)}</p>
    <ul>
      ${!text && left.slice(0, SHOWN).map((each) => html`<li><bdi>${each.title ? `“${each.title}”` : "A task that is gone"}</bdi>${each.fields.length > 0 && ` (${fields(each.fields)})`}</li>`)}
      ${left.length > SHOWN && html`<li>and ${left.length - SHOWN} more</li>`}
    </ul>
    <p>
      ${
        keys
          ? keys.length > 0 && html`<button key="undo" onClick=${() => (undo(keys), close())}>Undo</button>`
          : html`<button
              key="act"
              class="primary"
              disabled=${busy || (which && !total) || (!revoke && !total?.undone)}
              onClick=${act}
            >
              ${revoke ? (which ? "Revoke and undo" : "Revoke") : total ? `Undo ${count(total.undone, "change")}` : "Undo"}
            </button>`
      }
      <button key="close" onClick=${close}>${keys ? "Close" : "Cancel"}</button>
    </p>
  </div>`
}

/** @param {{load: () => void}} props */
function Add({ load }) {
  const server = location.origin + ROOT
  const body = (/** @type {FormData} */ form) => {
    const [scope, days] = [form.get("scope"), Number(form.get("days"))]
    const permissions = scope === "read" ? null : form.getAll("permission")
    const tag = String(form.get("tag")).trim().replace(/^#/, "") || null
    const expires_at = days ? new Date(Date.now() + days * 86_400_000).toISOString() : null
    return { agent: true, name: form.get("name"), scope, permissions, tag, expires_at }
  }
  const secrets = (/** @type {ApiTokenMade} */ { token }) => {
    const todo = { command: "todo", args: ["mcp"], env: { TODO_URL: server, TODO_TOKEN: token } }
    const config = JSON.stringify({ mcpServers: { todo } }, null, 2)
    return html`<${Secret} name="Token" value=${token} />
      ${MCP && html`<${Secret} name="Address for MCP" value=${`${server}/mcp`} />`}
      <${Secret} name="Configuration for todo mcp" value=${config} />`
  }
  return html`<${Make} name="Add an agent" button="Add" path="/api/auth/tokens" ...${{ body, secrets, load }}>
    <label>Name <input name="name" required maxlength="100" /></label>
    <label
      >It may
      <select name="scope">
        <option value="write">read and change tasks</option>
        <option value="read">only read tasks</option>
      </select></label
    >
    <fieldset>
      <legend>Changes that it may make</legend>
      ${PERMISSIONS.map((name, at) => html`<label><input type="checkbox" name="permission" value=${name} defaultChecked=${at < 3} /> ${name}</label>`)}
    </fieldset>
    <label>Only tasks tagged <input name="tag" list="agent-tags" placeholder="all tasks" autocomplete="off" /></label>
    <datalist id="agent-tags">${tags.value.map(({ tag }) => html`<option value=${tag}></option>`)}</datalist>
    <label
      >For how long
      <select name="days">
        <option value="90">90 days</option>
        <option value="7">a week</option>
        <option value="365">a year</option>
        <option value="0">until it is revoked</option>
      </select></label
    >
  <//>`
}
