/** The e-mail address of the account, where the server sends mail: whether it is confirmed, and its change. */
import { useEffect, useState } from "preact/hooks"
import { Form } from "./form.js"
import { html } from "./html.js"
import { read } from "./requests.js"
import { authorized } from "./session.js"
import { said } from "./signin.js"

/** @import { Me } from "./types" */

export function Email() {
  const [me, setMe] = useState(/** @type {Me | null} */ (null))
  const [text, setText] = useState("")
  const show = (/** @type {unknown} */ error) => setText(said(error))
  useEffect(() => void authorized("GET", "/api/auth/me").then(read).then(setMe, show), [])
  const confirm = () =>
    authorized("POST", "/api/auth/email/confirmation").then(() => setText("A link is on its way to you."), show)
  const change = async (/** @type {FormData} */ form) => {
    await authorized("POST", "/api/auth/email", { body: Object.fromEntries(form) })
    return `A link is on its way to ${form.get("email")}. Your address changes when it is opened.`
  }
  return html`<${Form} name="Change e-mail address" button="Change e-mail address" send=${change}>
    <p>
      <b dir="auto">${me?.email}</b> ${me && (me.email_confirmed ? "(confirmed)" : "(not confirmed)")}
      ${me?.email_confirmed === false && html`<button type="button" onClick=${confirm}>Send a link to confirm it</button>`}
    </p>
    <p role="status">${text}</p>
    <label>New e-mail address <input name="email" type="email" autocomplete="email" required maxlength="254" /></label>
    <label>Your password <input name="password" type="password" autocomplete="current-password" required /></label>
  <//>`
}
