/** The start: the sign-in, or what is stored; the rest of the page comes meanwhile. */
import { computed, effect, signal } from "@preact/signals"
import { render } from "preact"
import { html } from "./html.js"
import { FromMail, link } from "./mail.js"
import { ended, resume, user } from "./session.js"
import { SignIn, theme } from "./signin.js"
import { open } from "./store.js"

/** @type {import("@preact/signals").Signal<import("preact").ComponentType | null>} */
const app = signal(null)
const shell = import("./shell.js")

function Start() {
  if (link.value) return html`<${FromMail} ...${link.value} />`
  if (!user.value || ended.value) return html`<${SignIn} />`
  return app.value && html`<${app.value} />`
}

const id = computed(() => user.value?.id)
effect(() => void (id.value && open(id.value)))
effect(() => void (document.documentElement.dataset.theme = theme.value))
render(html`<${Start} />`, /** @type {HTMLElement} */ (document.getElementById("app")))
void resume()
app.value = (await shell).App
