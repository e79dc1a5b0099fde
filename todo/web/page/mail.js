/** What a link in a mail leads to: a new password, or a confirmed address. */
import { useState } from "preact/hooks"
import { html } from "./html.js"
import { send } from "./requests.js"
import { said } from "./signin.js"

const CHANGED = "Your password is changed, and every device is signed out. API tokens still work: revoke unknown ones."

/** @param {{reset: boolean, token: string, close: () => void}} props */
export function FromMail({ reset, token, close }) {
  const [error, setError] = useState("")
  const [done, setDone] = useState("")
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const path = reset ? "/api/auth/password/reset" : "/api/auth/email/confirm"
    setError("")
    await send("POST", path, { body: { token, ...Object.fromEntries(form) } }).then(
      () => setDone(reset ? CHANGED : "Your e-mail address is confirmed."),
      (problem) => setError(said(problem)),
    )
  }
  const field = html`<label
    >New password <input name="new" type="password" autocomplete="new-password" required minlength="8" maxlength="256"
  /></label>`
  return html`<main class="entry">
    <h1>${reset ? "Choose a new password" : "Confirm your e-mail address"}</h1>
    <form class="card" onSubmit=${submit}>
      ${reset && !done && field}
      <p role="alert" class="late">${error}</p>
      <p role="status">${done}</p>
      <p>
        ${!done && html`<button class="primary">${reset ? "Change password" : "Confirm"}</button>`}
        <button type="button" onClick=${close}>${done ? "Go to the tasks" : "Cancel"}</button>
      </p>
    </form>
  </main>`
}
