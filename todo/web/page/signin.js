/** Signing up and in: the first that a visitor sees, so that nothing but what it needs is loaded before it. */
import { signal } from "@preact/signals"
import { useEffect, useState } from "preact/hooks"
import { html } from "./html.js"
import { Modal } from "./modal.js"
import { read, Refused, send } from "./requests.js"
import { BUILT_IN, ended, enter, enterWithToken, leave, MAIL, user } from "./session.js"
import { outbox } from "./store.js"

export const theme = signal(localStorage.getItem("todo.theme") ?? "system")

/** @param {string} name */
export function setTheme(name) {
  theme.value = name
  localStorage.setItem("todo.theme", name)
}

/** The labels of fields that the API names otherwise. @type {Record<string, string>} */
const FIELDS = { current: "Current password", new: "New password" }

/** What a server or the network said, for a person. @param {unknown} error */
export function said(error) {
  if (!(error instanceof Refused)) return "The server cannot be reached. Try again when you are online."
  const details = error.problem.errors?.map(({ loc, msg }) => {
    const name = String(loc.at(-1))
    const label = FIELDS[name] ?? name.replace(/^./, (letter) => letter.toUpperCase())
    return `${label}${/^(is|has|must) /.test(msg) ? "" : ":"} ${msg}.`.replace("..", ".")
  })
  return details?.join(" ") || error.message
}

export function SignIn() {
  const [error, setError] = useState("")
  const [busy, setBusy] = useState(false)
  const [sent, setSent] = useState("")
  const known = ended.value ? user.value : null
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const how = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === "signup" ? "signup" : "signin"
    if (busy) return
    setBusy(true)
    setError("")
    try {
      if (BUILT_IN) await enter(how, String(form.get("email")), String(form.get("password")))
      else await enterWithToken(String(form.get("token")).trim())
    } catch (problem) {
      setError(said(problem))
    }
    setBusy(false)
  }
  const forgot = async () => {
    const field = /** @type {HTMLInputElement} */ (document.querySelector("input[name=email]"))
    if (!field.reportValidity()) return
    setError("")
    await send("POST", "/api/auth/password/forgot", { body: { email: field.value } })
      .then(read)
      .then(({ detail }) => setSent(detail))
      .catch((problem) => setError(said(problem)))
  }
  useEffect(() => document.querySelector("input")?.focus(), [])
  return html`<${SignOut} />
    <main class="entry">
      <h1>Todo</h1>
      <p>
        ${known ? `Your session has ended. Sign in as ${known.email ?? known.id} to go on${outbox.value.length ? `: ${outbox.value.length} of your changes wait here to be sent` : ""}.` : "Your tasks on all your devices, even offline."}
      </p>
      <form class="card" onSubmit=${submit}>
        ${
          BUILT_IN
            ? html`<label
                  >Email
                  <input
                    name="email"
                    type="email"
                    autocomplete="username"
                    required
                    maxlength="254"
                    defaultValue=${known?.email ?? ""}
                    aria-describedby="refused"
                /></label>
                <label
                  >Password
                  <input
                    name="password"
                    type="password"
                    autocomplete="current-password"
                    required
                    minlength="8"
                    maxlength="256"
                    aria-describedby="refused"
                /></label>
                <p role="alert" id="refused" class="late">${error}</p>
                <p>
                  <button class="primary" name="how" value="signin">Sign in</button>
                  <button name="how" value="signup">Sign up</button>
                  ${MAIL && html`<button type="button" onClick=${forgot}>Forgot password?</button>`}
                </p>
                ${MAIL && html`<p role="status">${sent}</p>`}
                <small>New here? Fill in both, with a password of at least 8 characters, and press Sign up.</small>`
            : html`<p>
                  Accounts of this server are kept elsewhere. Sign in there, and bring the access token (a JWT) that you
                  get: the operator of this server can tell you where.
                </p>
                <label
                  >Access token
                  <textarea
                    name="token"
                    rows="4"
                    required
                    autocomplete="off"
                    spellcheck=${false}
                    aria-describedby="refused"
                  ></textarea>
                </label>
                <p role="alert" id="refused" class="late">${error}</p>
                <p><button class="primary" disabled=${busy}>Sign in</button></p>
                <small
                  >It is kept in this tab until you close it or sign out. What the server does:
                  <a href="docs">the API</a>.</small
                >`
        }
        ${known && html`<p><button type="button" onClick=${signOut}>Sign out</button></p>`}
      </form>
    </main>`
}

const leaving = signal(false)

/** Sign out, after a question when changes would be lost. */
export function signOut() {
  if (outbox.value.length) leaving.value = true
  else void leave()
}

/** The question before changes that are not sent yet are lost. */
export function SignOut() {
  const close = () => (leaving.value = false)
  return (
    leaving.value &&
    html`<${Modal} label="Changes are not sent yet" close=${close}>
      <h2>Changes are not sent yet</h2>
      <p>
        ${outbox.value.length === 1 ? "1 change is" : `${outbox.value.length} changes are`} not at the server yet, and
        would be lost.
      </p>
      <p>
        <button class="primary" onClick=${close}>Stay</button>
        <button onClick=${() => (close(), void leave())}>Sign out and lose them</button>
      </p>
    <//>`
  )
}
