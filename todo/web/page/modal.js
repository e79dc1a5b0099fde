/** A modal dialog. */
import { useLayoutEffect, useRef } from "preact/hooks"
import { html } from "./html.js"

/** @import { Children } from "./types" */

/**
 * What had the focus gets it back. `close` is called on Escape at once, since the dialog's own close event comes later:
 * by then the next key may have opened another one, which that event must not close.
 * @param {{label: string, close: () => unknown, children: Children}} props
 */
export function Modal({ label, close, children }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null)) // null again once it is closed
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement)
    const opened = box.current
    opened?.showModal()
    return () => (opened?.close(), before?.focus()) // what is behind an open one takes no focus
  }, [])
  const shut = () => box.current && close()
  const outside = (/** @type {Event} */ event) => event.target === box.current && close()
  return html`<dialog ref=${box} aria-label=${label} onCancel=${shut} onClose=${shut} onClick=${outside}>
    ${children}
  </dialog>`
}
