/** @import { Html } from "./types" */
import { h } from "preact"
import htm from "htm"

/** The tag of a template, which must have one outermost element: html`<p class="note">${text}</p>`. */
export const html = /** @type {Html} */ (htm.bind(h))
