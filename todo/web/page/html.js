/** Templates, and parts of the page that come later. @import { Component, Html } from "./types" */
import { h } from "preact"
import { signal } from "@preact/signals"
import { useEffect, useState } from "preact/hooks"
import htm from "htm"

/** The tag of a template, which must have one outermost element: html`<p class="note">${text}</p>`. */
export const html = /** @type {Html} */ (htm.bind(h))

/**
 * A part whose module is imported when it is first shown, so that no start waits for it.
 *
 * @param {() => Promise<Component>} load @param {string} [heading] meanwhile, and where it cannot be had
 * @returns {Component}
 */
export function later(load, heading) {
  const part = /** @type {import("@preact/signals").Signal<Component | null>} */ (signal(null))
  return (props) => {
    const [text, setText] = useState("Loading…")
    const missing = () => setText("This part is not on this device: reload the page when you are online.")
    useEffect(() => void (part.value || load().then((found) => (part.value = found), missing)), [])
    if (part.value) return html`<${part.value} ...${props} />`
    return html`<section class="card">
      ${heading && html`<h3>${heading}</h3>`}
      <p role="status">${text}</p>
    </section>`
  }
}
