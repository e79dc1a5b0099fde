/** The account: password, devices, API tokens, agents, export and import, deletion. */
import { notice } from "./actions.js"
import { Email } from "./email.js"
import { Form, Make, Secret, useList, when } from "./form.js"
import { said } from "./signin.js"
import { SingleKeys } from "./dialogs.js"
import { Files } from "./files.js"
import { html, later } from "./html.js"
import { authorized, BUILT_IN, leave, MAIL, own, user } from "./session.js"

/** @import { ApiToken, ApiTokenMade, Feed, FeedMade, Session } from "./types" */

/** Of no use without the server, so it is not kept in the browser. */
const Agents = later(async () => (await import("./agents.js")).Agents, "Agents")

export function Settings() {
  return html`<p dir="auto">${user.value?.name} ${user.value?.email ?? user.value?.id}</p>
    <section class="card keyboard">
      <h3>Keyboard shortcuts</h3>
      <${SingleKeys} />
    </section>
    <${Files} /><${Feeds} />
    ${BUILT_IN && MAIL && html`<${Email} />`} ${BUILT_IN && html`<${Password} /><${Devices} /><${Tokens} />`}
    <${Agents} />
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
  const revoke = (/** @type {string} */ id) => authorized("DELETE", `/api/auth/tokens/${id}`).then(load, load)
  const secrets = (/** @type {ApiTokenMade} */ made) => html`<${Secret} name="Token" value=${made.token} />`
  const props = { name: "API tokens", button: "Make a token", path: "/api/auth/tokens", secrets, load }
  return html`<${Make} body=${Object.fromEntries} ...${props}>
    <p>For scripts and other programs, in place of your password.</p>
    <p class="late">${error}</p>
    <ul>
      ${tokens.filter((token) => !token.agent).map((token) => html`<li key=${token.id}><b dir="auto">${token.name}</b> (${token.scope}) <small>made ${when(token.created_at)}, last used ${when(token.last_used_at)}</small> <button type="button" onClick=${() => revoke(token.id)}>Revoke</button></li>`)}
    </ul>
    <label>Name <input name="name" required maxlength="100" /></label>
    <label
      >Scope
      <select name="scope">
        <option>read</option>
        <option>write</option>
      </select></label
    >
  <//>`
}

function Feeds() {
  const [feeds, load, error] = /** @type {[Feed[], () => void, string]} */ (useList(own("/feeds")))
  const revoke = (/** @type {string} */ id) => authorized("DELETE", own(`/feeds/${id}`)).then(load, load)
  const secrets = (/** @type {FeedMade} */ made) => html`<${Secret} name="Address" value=${made.url} />`
  const props = { name: "Calendar feeds", button: "Make a feed", path: own("/feeds"), secrets, load }
  return html`<${Make} ...${props}>
    <p>An address that calendar apps subscribe to. Everybody who has it can read your tasks that are due.</p>
    <p class="late">${error}</p>
    <ul>
      ${feeds.map((feed) => html`<li key=${feed.id}><small>made ${when(feed.created_at)}, last read ${when(feed.last_used_at)}</small> <button type="button" onClick=${() => revoke(feed.id)}>Revoke</button></li>`)}
    </ul>
  <//>`
}

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
