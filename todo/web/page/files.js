/** The user's tasks as a file, and back: docs/how-to/moving-in-and-out.md. */
import { useState } from "preact/hooks"
import { doneThere, notice } from "./actions.js"
import { zone } from "./dates.js"
import { html } from "./html.js"
import { read } from "./requests.js"
import { authorized, own } from "./session.js"
import { said } from "./signin.js"

/** @import { Entered, ImportReport } from "./types" */

/** @type {[string, string][]} the formats that are written, and what they are called */
const FORMATS = [
  ["json", "JSON"],
  ["csv", "CSV"],
  ["ics", "iCalendar"],
  ["todotxt", "todo.txt"],
  ["markdown", "Markdown"],
]
const TIMEOUT = 600_000 // milliseconds that a file may take
const SHOWN = 100 // problems

/** @param {string} format */
async function download(format) {
  const answer = await authorized("GET", own(`/export?format=${format}`), { signal: AbortSignal.timeout(TIMEOUT) })
  const link = document.createElement("a")
  link.href = URL.createObjectURL(await answer.blob())
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "todo"
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** What becomes of a file, the rows that can be imported at least. @param {File} file @param {boolean} dry @returns {Promise<ImportReport>} */
const upload = async (file, dry) => {
  const query = new URLSearchParams({
    name: file.name.slice(-255),
    time_zone: zone(),
    partial: "true",
    dry_run: `${dry}`,
  })
  return read(await authorized("POST", own(`/import?${query}`), { file, signal: AbortSignal.timeout(TIMEOUT) }))
}

export function Files() {
  const [text, setText] = useState("")
  const [chosen, setChosen] = useState(/** @type {{file: File, report: ImportReport} | null} */ (null))
  const busy = async (/** @type {string} */ what, /** @type {() => Promise<string>} */ work) => (
    setText(what),
    setText(await work().catch(said))
  )
  const look = (/** @type {Entered} */ event) => {
    const file = event.target.files?.[0]
    event.target.value = ""
    if (!file) return
    setChosen(null)
    void busy("Reading the file…", async () => (setChosen({ file, report: await upload(file, true) }), ""))
  }
  const take = (/** @type {File} */ file) => {
    setChosen(null)
    void busy("Importing…", async () => {
      const { created, existing, revision } = await upload(file, false)
      const text = `Imported ${created} tasks`
      if (revision !== null) notice.value = { text, group: doneThere(text, [revision]) }
      return `Imported: ${created}. Here already: ${existing}.`
    })
  }
  const save = (/** @type {string} */ format) => busy("Exporting…", async () => (await download(format), ""))
  return html`<section class="card">
    <h3>Export and import</h3>
    <p>${FORMATS.map(([format, name]) => html`<button onClick=${() => save(format)}>Export as ${name}</button> `)}</p>
    <label
      >Import a file of this or another app (JSON, CSV, iCalendar, todo.txt) <input type="file" onChange=${look}
    /></label>
    <p role="status">${text}</p>
    ${chosen && html`<${Found} ...${chosen} take=${() => take(chosen.file)} cancel=${() => setChosen(null)} />`}
  </section>`
}

/** What an import would do. @param {{file: File, report: ImportReport, take: () => void, cancel: () => void}} props */
function Found({ file, report: { read: rows, created, existing, problems, problem_count }, take, cancel }) {
  const bad = rows - created - existing
  return html`<div role="group" aria-label="What the file has">
    <p dir="auto">${file.name}</p>
    <p>
      ${`New: ${created}. Here already: ${existing}.`}
      ${bad > 0 && html`<b class="late">Cannot be imported: ${bad}.</b>`}
    </p>
    <ul>
      ${problems.slice(0, SHOWN).map(({ line, message }) => html`<li class="late">Line ${line}: ${message}</li>`)}
      ${problem_count > SHOWN && html`<li>and ${problem_count - SHOWN} more</li>`}
    </ul>
    ${created > 0 && html`<button onClick=${take}>${bad > 0 ? `Import the other ${created}` : `Import ${created}`}</button> `}
    <button onClick=${cancel}>${created > 0 ? "Cancel" : "Close"}</button>
  </div>`
}
