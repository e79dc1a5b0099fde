/** A form of the settings. */
import { useState } from "preact/hooks"
import { html } from "./html.js"
import { said } from "./signin.js"

/** @import { Children } from "./types" */

/** A form whose submission is one request. @param {{name: string, button: string, send: (form: FormData) => Promise<string>, children: Children}} props */
export function Form({ name, button, send, children }) {
  const [result, setResult] = useState({ text: "", error: false })
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.target)
    try {
      setResult({ text: await send(new FormData(form)), error: false })
      form.reset()
    } catch (error) {
      setResult({ text: said(error), error: true })
    }
  }
  return html`<form class="card" aria-label=${name} onSubmit=${submit}>
    <h3>${name}</h3>
    ${children}
    <p role=${result.error ? "alert" : "status"} class=${result.error ? "late" : ""}>${result.text}</p>
    <p><button>${button}</button></p>
  </form>`
}
