/** The page on which a person decides whether an app may use their tasks. Its parts are in the document. */

const ROOT = document.documentElement.dataset.root ?? ""
const NAME = `todo${ROOT}` // how the app's page begins what it keeps in the browser
const LEAVING = `${NAME}.leaving` // signed out on the app's page, and the server does not know yet
const TO_LOOK = 700 // milliseconds that the page is there before it takes a yes: a click may have been meant for another page
const COOKIE = `${NAME}.cookie` // the lock of requests that replace the refresh token, there and here

/** @template {Element} T @param {string} selector @param {new () => T} kind @param {ParentNode} [within] @returns {T} */
function find(selector, kind, within = document) {
  const found = within.querySelector(selector)
  if (!(found instanceof kind)) throw new Error(`the document has no ${selector}`)
  return found
}

const entry = find("#signin", HTMLFormElement)
const consent = find("#consent", HTMLFormElement)
const scope = find("select[name=scope]", HTMLSelectElement)
const changes = find("fieldset", HTMLFieldSetElement)
const parts = [find("#wait", HTMLElement), entry, consent, find("#done", HTMLElement)]

let token = ""

/** What the server said no to, or that it could not be reached. */
class Refused extends Error {
  /** @param {string} said @param {number} status */
  constructor(said, status) {
    super(said)
    this.status = status
  }
}

/** The JSON of an answer. @param {string} method @param {string} path @param {object} [body] @throws {Refused} */
async function call(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = body ? { "Content-Type": "application/json" } : {}
  if (token) headers.Authorization = `Bearer ${token}`
  const sent = { method, headers, body: body ? JSON.stringify(body) : null, signal: AbortSignal.timeout(30_000) }
  const response = await fetch(ROOT + path, { ...sent, cache: "no-store" }).catch(() => null)
  const answer = await response?.json().catch(() => null)
  if (!response || !answer) throw new Refused("The server cannot be reached. Try again.", 0)
  if (response.status >= 400) throw new Refused(answer.detail ?? "The server has refused it.", response.status)
  return answer
}

/** @param {HTMLElement} part */
function show(part) {
  for (const each of parts) each.hidden = each !== part
}

/** @param {HTMLFormElement} form @param {unknown} error */
function say(form, error) {
  find("[role=alert]", HTMLElement, form).textContent = error instanceof Error ? error.message : ""
}

/** @typedef {{access_token: string, user: {id: string, email: string | null}}} Session */

/** One at a time among all tabs, where the browser can. @param {() => Promise<Session>} run @returns {Promise<Session>} */
const locked = async (run) => (navigator.locks ? await navigator.locks.request(COOKIE, run) : await run())

/** @param {Session} session */
async function enter(session) {
  token = session.access_token
  find("#account", HTMLElement).textContent = session.user.email ?? session.user.id
  const allow = find("button.primary", HTMLButtonElement, consent)
  allow.disabled = true
  show(consent)
  setTimeout(() => (allow.disabled = false), TO_LOOK)
  const tags = await call("GET", `/api/${encodeURIComponent(session.user.id)}/tags`).catch(() => [])
  find("#tags", HTMLElement).replaceChildren(
    ...tags.map((/** @type {{tag: string}} */ { tag }) =>
      Object.assign(document.createElement("option"), { value: tag }),
    ),
  )
}

/** Whether the browser is signed in; a session that the app's page has left is none. */
async function renew() {
  token = ""
  if (localStorage.getItem(LEAVING)) return false
  const session = await locked(() => call("POST", "/api/auth/refresh", {})).catch((error) => {
    if (error.status === 401) return null
    throw error
  })
  if (session) await enter(session)
  return session !== null
}

function ask() {
  token = ""
  show(entry)
  find("input", HTMLInputElement, entry).focus()
}

/** @param {HTMLFormElement} form @param {(given: FormData) => Promise<void>} work */
function whenSubmitted(form, work) {
  let busy = false // and no button disabled, which would lose the focus
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    if (busy) return
    busy = true
    say(form, null)
    await work(new FormData(form)).catch((error) => say(form, error))
    busy = false
  })
}

whenSubmitted(entry, async (given) => {
  const account = { email: given.get("email"), password: given.get("password") }
  const session = await locked(() => call("POST", "/api/auth/signin", account))
  localStorage.removeItem(LEAVING)
  entry.reset()
  await enter(session)
  scope.focus()
})

whenSubmitted(consent, async (given) => {
  const tag = String(given.get("tag")).trim().replace(/^#/, "")
  const decision = {
    query: location.search.slice(1),
    scope: scope.value,
    permissions: scope.value === "write" ? given.getAll("permissions") : null,
    tag: tag || null,
    days: Number(given.get("days")) || null,
  }
  const send = () => call("POST", "/oauth/authorize", decision)
  const answer = await send().catch(async (error) => {
    if (error.status !== 401) throw error
    return (await renew()) ? send() : null
  })
  if (!answer) {
    ask()
    return say(entry, new Error("Your session has ended: sign in again."))
  }
  const { redirect_to } = answer
  find("#back", HTMLAnchorElement).href = redirect_to
  show(find("#done", HTMLElement))
  location.assign(redirect_to)
})

find("#other", HTMLButtonElement).addEventListener("click", ask)
scope.addEventListener("change", () => (changes.disabled = scope.value === "read"))
if (document.documentElement.dataset.scope === "read") {
  scope.value = "read"
  scope.disabled = true
  changes.disabled = true
}
document.documentElement.dataset.theme = localStorage.getItem("todo.theme") ?? "system"
addEventListener("pageshow", ({ persisted }) => persisted && location.reload())
void renew()
  .then((signedIn) => signedIn || ask())
  .catch((error) => (ask(), say(entry, error)))
