/** Signing up and in: the first that a visitor sees, so that nothing but what it needs is loaded before it. */
import { signal } from "@preact/signals"
import { useEffect, useState } from "preact/hooks"
import { html } from "./html.js"
import { read, Refused, send } from "./requests.js"
import { BUILT_IN, enter, enterWithToken, MAIL } from "./session.js"

/** @import { Children } from "./types" */

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

/** @param {{text?: string, email?: string, children?: Children}} props what it says, the address that it asks for, and more buttons */
export function SignIn({ text = "Your tasks on all your devices, even offline.", email = "", children }) {
  const [error, setError] = useState("")
  const [busy, setBusy] = useState(false)
  const [sent, setSent] = useState("")
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
  return html`<main class="entry">
    <h1>Todo</h1>
    <p>${text}</p>
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
                  defaultValue=${email}
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
      ${children}
    </form>
  </main>`
}
