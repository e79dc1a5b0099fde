/** The end of a session: signing out, and the way back in when it has ended by itself. */
import { signal } from "@preact/signals"
import { html } from "./html.js"
import { Modal } from "./modal.js"
import { leave, user } from "./session.js"
import { SignIn } from "./signin.js"
import { outbox } from "./store.js"

const leaving = signal(false)

/** Sign out, after a question when changes would be lost. */
export function signOut() {
  if (outbox.value.length) leaving.value = true
  else void leave()
}

/** The question before changes that are not sent yet are lost. */
export function SignOut() {
  const close = () => (leaving.value = false)
  return (
    leaving.value &&
    html`<${Modal} label="Changes are not sent yet" close=${close}>
      <h2>Changes are not sent yet</h2>
      <p>
        ${outbox.value.length === 1 ? "1 change is" : `${outbox.value.length} changes are`} not at the server yet, and
        would be lost.
      </p>
      <p>
        <button class="primary" onClick=${close}>Stay</button>
        <button onClick=${() => (close(), void leave())}>Sign out and lose them</button>
      </p>
    <//>`
  )
}

/** The sign-in of the user whose session has ended. */
export function Ended() {
  const { email = "", id } = user.value ?? {}
  const unsent = outbox.value.length ? `: ${outbox.value.length} of your changes wait here to be sent` : ""
  const text = `Your session has ended. Sign in as ${email || id} to go on${unsent}.`
  return html`<${SignOut} />
    <${SignIn} text=${text} email=${email}>
      <p><button type="button" onClick=${signOut}>Sign out</button></p>
    <//>`
}
