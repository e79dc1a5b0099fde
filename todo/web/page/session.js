/** Who is signed in: the access token in memory, the refresh token in a cookie that no script can read. */
import { batch, signal } from "@preact/signals"
import * as local from "./local.js"
import { NAME, read, Refused, send, SignedOut, Unreachable } from "./requests.js"

/** @typedef {import("./types").User} User */

/** Whether this server has accounts of its own; otherwise an external issuer makes the tokens. */
export const BUILT_IN = document.documentElement.dataset.accounts !== "external"

/** Whether it sends mail: links for a new password, and to confirm an address. */
export const MAIL = document.documentElement.dataset.mail === "on"

/** Whether it serves assistants at `/mcp`. */
export const MCP = document.documentElement.dataset.mcp === "on"

const USER = `${NAME}.user` // in localStorage: whose tasks the page shows before there is a network
const LEAVING = `${NAME}.leaving` // in localStorage: signed out here, and the server does not know yet
const TOKEN = `${NAME}.token` // in sessionStorage: the token of an external issuer, for this tab alone
const EARLY = 0.9 // of its lifetime, after which a token is renewed

/** @type {import("@preact/signals").Signal<User | null>} */
export const user = signal(localStorage.getItem(LEAVING) ? null : JSON.parse(localStorage.getItem(USER) ?? "null"))
/** Whether the session of `user` has ended, so that changes wait until they sign in again. */
export const ended = signal(false)

let access = { token: BUILT_IN ? "" : (sessionStorage.getItem(TOKEN) ?? ""), until: BUILT_IN ? 0 : Infinity }
/** @type {Promise<void> | null} */
let renewing = null
const COOKIE = `${NAME}.cookie` // the lock of requests that replace the refresh token

const tabs = new BroadcastChannel(`${NAME}.session`)
tabs.onmessage = (/** @type {MessageEvent} */ { data }) => {
  if (data.user?.id !== user.value?.id) return location.reload()
  if (data.access) access = data.access
  ended.value = false
}

/** Run one at a time among all tabs, where the browser can (only over https and on localhost). */
export async function locked(
  /** @type {string} */ name,
  /** @type {() => Promise<void>} */ run,
  /** @type {LockOptions} */ options = {},
) {
  if (navigator.locks) await navigator.locks.request(name, options, run)
  else await run()
}

/** @param {{access_token: string, expires_in: number, user: User}} session */
function keep(session) {
  access = { token: session.access_token, until: Date.now() + session.expires_in * 1000 * EARLY }
  localStorage.setItem(USER, JSON.stringify(session.user))
  tabs.postMessage({ user: session.user, access })
  if (user.value && user.value.id !== session.user.id) return location.reload()
  batch(() => {
    ended.value = false
    user.value = session.user
  })
}

/** @param {"signin" | "signup"} how @param {string} email @param {string} password */
export async function enter(how, email, password) {
  await locked(COOKIE, async () => {
    keep(await read(await send("POST", `/api/auth/${how}`, { body: { email, password } })))
    localStorage.removeItem(LEAVING)
  })
}

/** Come in with a token of an external issuer. @param {string} token */
export async function enterWithToken(token) {
  const found = await read(await send("GET", "/api/auth/me", { token }))
  sessionStorage.setItem(TOKEN, token)
  keep({ access_token: token, expires_in: Infinity, user: found })
}

/** The next access token. Tabs do it one at a time, and tell each other. @throws {SignedOut | Unreachable} */
function renew() {
  const old = access.token
  return (renewing ??= locked(COOKIE, async () => {
    if (access.token !== old && Date.now() < access.until) return
    if (!BUILT_IN || localStorage.getItem(LEAVING)) throw new SignedOut()
    const [known, mine] = [localStorage.getItem(USER), user.value?.id]
    const session = await read(await send("POST", "/api/auth/refresh", { body: {} })).catch((error) => {
      throw error instanceof Refused && error.status < 429 ? new SignedOut() : new Unreachable(String(error))
    })
    if (localStorage.getItem(USER) !== known) throw new SignedOut() // in another tab, meanwhile
    keep(session)
    if (mine && mine !== session.user.id) throw new SignedOut() // what waits here is not this user's
  }).finally(() => (renewing = null)))
}

/**
 * Send a request as the user.
 *
 * @param {string} method @param {string} path @param {import("./requests.js").Options} [options]
 * @throws {Unreachable | Refused | SignedOut}
 */
export async function authorized(method, path, options = {}) {
  try {
    if (Date.now() >= access.until) await renew()
    const { token } = access
    try {
      return await send(method, path, { ...options, token })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error
      if (access.token === token) await renew()
      return await send(method, path, { ...options, token: access.token })
    }
  } catch (error) {
    const refused = error instanceof SignedOut || (error instanceof Refused && [401, 403].includes(error.status))
    if (!refused) throw error
    ended.value = true
    throw new SignedOut()
  }
}

/** What the server has of the user: `/api/{user_id}` and what follows. @param {string} path */
export const own = (path) => `/api/${encodeURIComponent(/** @type {User} */ (user.value).id)}${path}`

/**
 * What the visit before left to do: the end of a session, or a session of which this page knows nothing, since its data
 * were cleared.
 */
export async function resume() {
  await local.forget(user.value?.id ?? null).catch(console.warn)
  addEventListener("online", () => void locked(COOKIE, finishLeaving))
  if (localStorage.getItem(LEAVING)) await locked(COOKIE, finishLeaving)
  else if (BUILT_IN && !user.value) await renew().catch(() => undefined)
}

/** End the session here at once, and at the server as soon as it can be reached. The page is loaded again: it holds nothing then. */
export async function leave() {
  const id = user.value?.id
  if (BUILT_IN) localStorage.setItem(LEAVING, "1")
  localStorage.removeItem(USER)
  sessionStorage.removeItem(TOKEN)
  access = { token: "", until: 0 }
  tabs.postMessage({ user: null })
  document.getElementById("app")?.remove()
  history.replaceState(null, "", "#/inbox")
  if (id) await local.destroy(id)
  location.reload()
}

async function finishLeaving() {
  if (!localStorage.getItem(LEAVING)) return
  try {
    await send("POST", "/api/auth/signout", { body: {} })
    localStorage.removeItem(LEAVING)
  } catch (error) {
    if (error instanceof Refused && error.status < 429) localStorage.removeItem(LEAVING)
  }
}
