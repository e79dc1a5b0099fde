/** The help on keys, and the command menu. */
import { useEffect, useState } from "preact/hooks"
import { COMMANDS, setSingleKeys, singleKeys } from "./commands.js"
import { html } from "./html.js"
import { Modal } from "./modal.js"
import { dialog, fold, go, tags } from "./views.js"

/** @import { Entered } from "./types" */

const shownAs = (/** @type {string} */ key) =>
  key.replace("ArrowUp", "↑").replace("ArrowDown", "↓").replace("Control", "Ctrl")

const close = () => (dialog.value = null)

export const Dialogs = () =>
  dialog.value === "keys" ? html`<${Keys} />` : dialog.value === "commands" ? html`<${Commands} />` : null

/** The switch for keys without a modifier. */
export const SingleKeys = () =>
  html`<label
    ><input
      type="checkbox"
      checked=${singleKeys.value}
      onChange=${(/** @type {Entered} */ event) => setSingleKeys(event.target.checked)}
    />
    Single-key shortcuts (n, j, k, x and the others)</label
  >`

function Keys() {
  return html`<${Modal} close=${close} label="Keyboard shortcuts">
    <h2>Keyboard shortcuts</h2>
    <${SingleKeys} />
    <dl class="keys">
      ${COMMANDS.filter((each) => each.key).map(
        (each) =>
          html`<div>
            <dt><kbd>${shownAs(each.key ?? "")}</kbd></dt>
            <dd>${each.name}</dd>
          </div>`,
      )}
      <div>
        <dt><kbd>J</kbd> <kbd>K</kbd></dt>
        <dd>Select while moving</dd>
      </div>
      <div>
        <dt><kbd>Esc</kbd></dt>
        <dd>Close, or clear the selection</dd>
      </div>
    </dl>
    <button onClick=${() => (dialog.value = null)}>Close</button>
  <//>`
}

function Commands() {
  const [text, setText] = useState("")
  const [index, setIndex] = useState(0)
  const all = [
    ...COMMANDS.filter((each) => !each.hidden),
    ...tags.value.map(({ tag }) => ({ name: `Go to #${tag}`, key: "", run: () => void go("tag", tag) })),
  ]
  const found = all
    .filter((each) =>
      fold(text)
        .split(/\s+/)
        .every((word) => fold(each.name).includes(word)),
    )
    .slice(0, 50)
  useEffect(() => document.getElementById(`command-${index}`)?.scrollIntoView({ block: "nearest" }))
  const run = (/** @type {number} */ at) => {
    dialog.value = null
    const command = found[at]
    if (command) setTimeout(command.run) // when the focus is back
  }
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) setIndex((index + step + found.length) % (found.length || 1))
    else if (event.key === "Enter") run(index)
    else return
    event.preventDefault()
  }
  return html`<${Modal} close=${close} label="Commands">
    <input
      role="combobox"
      aria-label="Command"
      aria-expanded="true"
      aria-controls="commands"
      aria-activedescendant=${found.length ? `command-${index}` : null}
      autocomplete="off"
      value=${text}
      placeholder="What to do?"
      onKeyDown=${keys}
      onInput=${(/** @type {Entered} */ event) => (setText(event.target.value), setIndex(0))}
    />
    <ul id="commands" role="listbox" aria-label="Commands">
      ${found.map((each, at) => html`<li id=${`command-${at}`} role="option" aria-selected=${String(at === index)} onClick=${() => run(at)}>${each.name} ${each.key && html`<kbd>${shownAs(each.key)}</kbd>`}</li>`)}
    </ul>
  <//>`
}
