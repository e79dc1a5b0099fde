/** The start: the sign-in, or what is stored; the rest of the page comes meanwhile. */
import { computed, effect, signal } from "@preact/signals"
import { render } from "preact"
import { html, later } from "./html.js"
import { resume, user } from "./session.js"
import { SignIn, theme } from "./signin.js"

/** @import { Component } from "./types" */

/** @type {import("@preact/signals").Signal<Component | null>} */
const app = signal(null)
const shell = import("./shell.js")

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
  return app.value && html`<${app.value} />`
}

follow()
addEventListener("hashchange", follow)
const id = computed(() => user.value?.id)
const open = async (/** @type {string} */ userId) => (await import("./store.js")).open(userId)
effect(() => void (id.value && open(id.value)))
effect(() => void (document.documentElement.dataset.theme = theme.value))
render(html`<${Start} />`, /** @type {HTMLElement} */ (document.getElementById("app")))
void resume()
app.value = (await shell).App
