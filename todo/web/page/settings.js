/** The account: password, devices, API tokens, export and import, deletion. */
import { useEffect, useState } from "preact/hooks"
import { notice } from "./actions.js"
import { Email } from "./email.js"
import { Form } from "./form.js"
import { said } from "./signin.js"
import { read } from "./requests.js"
import { SingleKeys } from "./dialogs.js"
import { Files } from "./files.js"
import { html } from "./html.js"
import { authorized, BUILT_IN, leave, MAIL, own, user } from "./session.js"

/** @import { ApiToken, Entered, Feed, Session } from "./types" */

/** @param {string | null | undefined} at */
const when = (at) => (at ? new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "never")

export function Settings() {
  return html`<p dir="auto">${user.value?.name} ${user.value?.email ?? user.value?.id}</p>
    <section class="card keyboard">
      <h3>Keyboard shortcuts</h3>
      <${SingleKeys} />
    </section>
    <${Files} /><${Feeds} />
    ${BUILT_IN && MAIL && html`<${Email} />`} ${BUILT_IN && html`<${Password} /><${Devices} /><${Tokens} />`}
    <${Deletion} />`
}

function Password() {
  const send = async (/** @type {FormData} */ form) => {
    await authorized("POST", "/api/auth/password", { body: { current: form.get("current"), new: form.get("new") } })
    return "Changed. Every other device is signed out."
  }
  return html`<${Form} name="Change password" button="Change password" send=${send}>
    <label>Current password <input name="current" type="password" autocomplete="current-password" required /></label>
    <label
      >New password
      <input name="new" type="password" autocomplete="new-password" required minlength="8" maxlength="256"
    /></label>
  <//>`
}

/** What a path lists, and how to read it again. @template T @param {string} path @returns {[T[], () => void, string]} */
function useList(path) {
  const [items, setItems] = useState(/** @type {T[]} */ ([]))
  const [error, setError] = useState("")
  const load = () =>
    void authorized("GET", path)
      .then(read)
      .then(setItems, (problem) => setError(said(problem)))
  useEffect(load, [path])
  return [items, load, error]
}

function Devices() {
  const [sessions, load, error] = /** @type {[Session[], () => void, string]} */ (useList("/api/auth/sessions"))
  const end = (/** @type {string} */ id) => authorized("DELETE", `/api/auth/sessions/${id}`).then(load, load)
  const all = () =>
    authorized("POST", "/api/auth/signout-everywhere").then(
      leave,
      (problem) => (notice.value = { text: said(problem) }),
    )
  return html`<section class="card">
    <h3>Devices that are signed in</h3>
    <p class="late">${error}</p>
    <ul>
      ${sessions.map(
        (session) =>
          html`<li key=${session.id}>
            <b>${session.client ?? "Unknown client"}</b> ${session.current ? "(this one) " : ""}
            <small>${`signed in ${when(session.created_at)}, last used ${when(session.last_used_at)}`}</small>
            ${!session.current && html`<button onClick=${() => end(session.id)}>End session</button>`}
          </li>`,
      )}
    </ul>
    <p><button onClick=${all}>Sign out everywhere</button></p>
  </section>`
}

function Tokens() {
  const [tokens, load, error] = /** @type {[ApiToken[], () => void, string]} */ (useList("/api/auth/tokens"))
  const [secret, setSecret] = useState("")
  const send = async (/** @type {FormData} */ form) => {
    const made = await read(
      await authorized("POST", "/api/auth/tokens", { body: { name: form.get("name"), scope: form.get("scope") } }),
    )
    setSecret(made.token)
    load()
    return "Copy the token now: it is shown this once."
  }
  const revoke = (/** @type {string} */ id) => authorized("DELETE", `/api/auth/tokens/${id}`).then(load, load)
  return html`<${Form} name="API tokens" button="Make a token" send=${send}>
    <p>For scripts and other programs, in place of your password.</p>
    <p class="late">${error}</p>
    <ul>
      ${tokens.map((token) => html`<li key=${token.id}><b dir="auto">${token.name}</b> (${token.scope}) <small>made ${when(token.created_at)}, last used ${when(token.last_used_at)}</small> <button type="button" onClick=${() => revoke(token.id)}>Revoke</button></li>`)}
    </ul>
    <label>Name <input name="name" required maxlength="100" /></label>
    <label
      >Scope
      <select name="scope">
        <option value="read">read</option>
        <option value="write">write</option>
      </select></label
    >
    ${secret && html`<${Secret} name="Token" value=${secret} />`}
  <//>`
}

function Feeds() {
  const [feeds, load, error] = /** @type {[Feed[], () => void, string]} */ (useList(own("/feeds")))
  const [url, setUrl] = useState("")
  const send = async () => {
    setUrl((await read(await authorized("POST", own("/feeds")))).url)
    load()
    return "Copy the address now: it is shown this once."
  }
  const revoke = (/** @type {string} */ id) => authorized("DELETE", own(`/feeds/${id}`)).then(load, load)
  return html`<${Form} name="Calendar feeds" button="Make a feed" send=${send}>
    <p>An address that calendar apps subscribe to. Everybody who has it can read your tasks that are due.</p>
    <p class="late">${error}</p>
    <ul>
      ${feeds.map((feed) => html`<li key=${feed.id}><small>made ${when(feed.created_at)}, last read ${when(feed.last_used_at)}</small> <button type="button" onClick=${() => revoke(feed.id)}>Revoke</button></li>`)}
    </ul>
    ${url && html`<${Secret} name="Address" value=${url} />`}
  <//>`
}

/** A text to copy, which the reset of its form keeps. @param {{name: string, value: string}} props */
const Secret = ({ name, value }) =>
  html`<p>
    <label
      >${name} <input readonly defaultValue=${value} onFocus=${(/** @type {Entered} */ event) => event.target.select()}
    /></label>
  </p>`

function Deletion() {
  const mine = user.value?.email ?? user.value?.id ?? ""
  const send = async (/** @type {FormData} */ form) => {
    if (form.get("confirm") !== mine) return "Nothing was deleted: type exactly what is asked for."
    await authorized("DELETE", "/api/auth/me")
    await leave()
    return ""
  }
  return html`<${Form} name="Delete account" button="Delete my account" send=${send}>
    <p>Deletes the account and all its tasks at once. This cannot be undone, so export them first.</p>
    <label>To confirm, type ${mine} <input name="confirm" required autocomplete="off" /></label>
  <//>`
}
