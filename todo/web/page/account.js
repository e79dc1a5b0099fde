/** The account menu. */
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { html } from "./html.js"
import { user } from "./session.js"
import { setTheme, theme } from "./signin.js"
import { signOut } from "./signout.js"
import { dialog } from "./views.js"

/** @import { Entered } from "./types" */

/** The menu of the account. */
export function Account() {
  const [opened, setOpened] = useState(false)
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  useLayoutEffect(() => {
    if (!opened) return
    const close = (/** @type {Event} */ event) => {
      const inside = box.current?.contains(/** @type {Node} */ (event.target))
      if (event instanceof KeyboardEvent ? event.key !== "Escape" : inside) return
      if (box.current?.contains(document.activeElement)) box.current.querySelector("button")?.focus()
      setOpened(false)
    }
    addEventListener("click", close)
    addEventListener("keydown", close)
    return () => (removeEventListener("click", close), removeEventListener("keydown", close))
  }, [opened])
  const then = (/** @type {() => void} */ run) => () => (setOpened(false), run())
  return html`<div class="account" ref=${box}>
    <button aria-expanded=${String(opened)} onClick=${() => setOpened(!opened)}>Account</button>
    ${
      opened &&
      html`<div class="menu card">
        <p dir="auto">${user.value?.name ?? ""} <small>${user.value?.email ?? user.value?.id}</small></p>
        <a href="#/account" onClick=${then(() => {})}>Settings</a>
        <button onClick=${then(() => (dialog.value = "commands"))}>Commands</button>
        <button class="keyboard" onClick=${then(() => (dialog.value = "keys"))}>Keyboard shortcuts</button>
        <label
          >Appearance
          <select onChange=${(/** @type {Entered} */ event) => setTheme(event.target.value)}>
            ${["system", "light", "dark"].map((name) => html`<option selected=${theme.value === name}>${name}</option>`)}
          </select></label
        >
        <button onClick=${then(signOut)}>Sign out</button>
      </div>`
    }
  </div>`
}
