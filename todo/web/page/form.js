/** What parts of the settings are made of. */
import { useEffect, useState } from "preact/hooks"
import { html } from "./html.js"
import { read } from "./requests.js"
import { authorized } from "./session.js"
import { said } from "./signin.js"

/** @import { Children, Entered, Json } from "./types" */

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

/** A moment; of today without the date. @param {string | null | undefined} at */
export function when(at) {
  const date = new Date(at ?? 0)
  const isToday = date.toDateString() === new Date().toDateString()
  return at ? date.toLocaleString([], { dateStyle: isToday ? undefined : "medium", timeStyle: "short" }) : "never"
}

/** What a path lists, how to read it again, and why not. @template T @param {string} path @returns {[T[], () => void, string]} */
export function useList(path) {
  const [items, setItems] = useState(/** @type {T[]} */ ([]))
  const [error, setError] = useState("")
  const load = () =>
    void authorized("GET", path)
      .then(read)
      .then(
        (found) => (setItems(found), setError("")),
        (problem) => setError(said(problem)),
      )
  useEffect(load, [path])
  return [items, load, error]
}

/**
 * A form that makes something with a secret, which is shown once.
 *
 * @param {{name: string, button: string, path: string, body?: (form: FormData) => object, secrets: (made: Json) => object, load: () => void, children: Children}} props
 */
export function Make({ path, body, secrets, load, children, ...props }) {
  const [made, setMade] = useState(/** @type {Json} */ (null))
  const send = async (/** @type {FormData} */ form) => {
    setMade(await read(await authorized("POST", path, { body: body?.(form) })))
    load()
    return "Copy it now: it is shown this once."
  }
  return html`<${Form} ...${props} send=${send}>${children} ${made && secrets(made)}<//>`
}

/** A text to copy, which the reset of its form keeps. @param {{name: string, value: string}} props */
export function Secret({ name, value }) {
  const [copied, setCopied] = useState("")
  const select = (/** @type {Entered} */ event) => event.target.select()
  const copy = () => navigator.clipboard.writeText(value).then(() => setCopied(value))
  return html`<div class="secret">
    <label
      >${name}
      <${value.includes("\n") ? "textarea" : "input"}
        readonly
        rows=${value.split("\n").length}
        defaultValue=${value}
        onFocus=${select}
    /></label>
    ${navigator.clipboard && html`<button type="button" onClick=${copy}>Copy the ${name.replace(/^./, (first) => first.toLowerCase())}</button>`}
    <small role="status">${copied === value && "Copied."}</small>
  </div>`
}
