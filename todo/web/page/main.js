/** The start: the sign-in, or what is stored; the rest of the page comes meanwhile. */
import { computed, effect, signal } from "@preact/signals"
import { render } from "preact"
import { html, later } from "./html.js"
import { ended, resume, user } from "./session.js"
import { SignIn, theme } from "./signin.js"

/** @import { Component } from "./types" */

/** @type {import("@preact/signals").Signal<{App: Component, Ended: Component} | null>} */
const shell = signal(null)
const loading = import("./shell.js")

/** What a link in a mail leads to. @type {import("@preact/signals").Signal<{reset: boolean, token: string} | null>} */
const link = signal(null)
const FromMail = later(async () => (await import("./mail.js")).FromMail)

/** Take the token of a link from a mail; it leaves the address bar at once. */
function follow() {
  const [, purpose, token] = /^#(reset|confirm)=(.+)$/.exec(location.hash) ?? []
  if (!token) return
  link.value = { reset: purpose === "reset", token }
  history.replaceState(null, "", "#/inbox")
}

function Start() {
  if (link.value) return html`<${FromMail} ...${link.value} close=${() => (link.value = null)} />`
  if (!user.value) return html`<${SignIn} />`
  return shell.value && html`<${ended.value ? shell.value.Ended : shell.value.App} />`
}

follow()
addEventListener("hashchange", follow)
const id = computed(() => user.value?.id)
effect(() => void (id.value && import("./store.js").then(({ open }) => open(/** @type {string} */ (id.value)))))
effect(() => void (document.documentElement.dataset.theme = theme.value))
render(html`<${Start} />`, /** @type {HTMLElement} */ (document.getElementById("app")))
void resume()
shell.value = await loading
