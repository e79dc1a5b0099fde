/** The copy of one user's tasks, and the changes that are not sent yet, in IndexedDB: a database for each user. */

import { NAME } from "./requests.js"

/** @import { Task } from "./types" */
/** @import { Op, Patch } from "./store.js" */

const PREFIX = `${NAME}.tasks.`

/** @type {IDBDatabase | null} */
let db = null
/** Whether all writes so far were stored; a copy that lacks one is read again from the server at the next start. */
let complete = true

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/** @param {string} name */
function database(name) {
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("tasks", { keyPath: "id" })
    opening.result.createObjectStore("ops", { keyPath: "n" })
    opening.result.createObjectStore("meta")
  }
  return result(opening)
}

/**
 * Open the database of a user and read it. Without IndexedDB (some private windows) there is nothing to read.
 *
 * @param {string} userId
 * @returns {Promise<{tasks: Task[], ops: Op[], revision: number | null}>}
 */
export async function open(userId) {
  db = null
  try {
    const opened = await database(PREFIX + userId)
    opened.onversionchange = () => (opened.close(), (db = null)) // it is being deleted by another tab
    opened.onclose = () => (db = null) // it was deleted by the person, or by a browser that needs the space
    db = opened
    const read = opened.transaction(["tasks", "ops", "meta"])
    const [tasks, ops, revision] = await Promise.all([
      result(read.objectStore("tasks").getAll()),
      result(read.objectStore("ops").getAll()),
      result(read.objectStore("meta").get("revision")),
    ])
    return { tasks, ops, revision: revision ?? null }
  } catch (error) {
    console.warn("This browser stores nothing:", error)
    return { tasks: [], ops: [], revision: null }
  }
}

/** The changes that are not sent yet, those of closed tabs too. @returns {Promise<Op[]>} */
export const waiting = async () => (await (db && result(db.transaction("ops").objectStore("ops").getAll()))) ?? []

/** Whether all is stored that should be. */
export const storing = () => db !== null && complete

/** Store a patch in one transaction, which is committed at once: a tab that is closed now loses nothing. @param {Patch} patch */
export function write({ tasks = [], gone = [], ops = [], sent = [], revision, reset }) {
  if (!db) return
  try {
    const change = db.transaction(["tasks", "ops", "meta"], "readwrite", { durability: "strict" })
    change.onabort = () => failed(change.error)
    const [stored, queue] = [change.objectStore("tasks"), change.objectStore("ops")]
    if (reset) stored.clear()
    tasks.forEach((task) => stored.put(task))
    gone.forEach((id) => stored.delete(id))
    ops.forEach((op) => queue.put(op))
    sent.forEach((n) => queue.delete(n))
    if (!complete) change.objectStore("meta").delete("revision")
    else if (revision !== undefined) change.objectStore("meta").put(revision, "revision")
    change.commit()
  } catch (error) {
    failed(error)
  }
}

/** Forget up to which change the copy is complete, so that all is read again at the next start. @param {unknown} error */
function failed(error) {
  console.warn("This browser stores no more:", error)
  if (!complete) return
  complete = false
  write({})
}

/** Delete all that is stored of a user. @param {string} userId */
export async function destroy(userId) {
  const deleted = new Promise((resolve) => {
    const deletion = indexedDB.deleteDatabase(PREFIX + userId)
    deletion.onsuccess = deletion.onerror = deletion.onblocked = resolve
  })
  await deleted.catch(console.warn)
}

/** Delete what is stored of others than this user: of nobody's visit all, else what has no changes that wait for their author. @param {string | null} userId */
export async function forget(userId) {
  for (const { name = "" } of (await indexedDB.databases?.().catch(() => [])) ?? []) {
    if (!name.startsWith(PREFIX) || name === PREFIX + userId) continue
    const other = await database(name)
    const unsent = await result(other.transaction("ops").objectStore("ops").count())
    other.close()
    if (!unsent || !userId) await destroy(name.slice(PREFIX.length))
  }
}
