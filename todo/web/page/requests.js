/** Requests to the server that served the page. */

/** The path prefix under which the server is published, without a slash at its end. */
export const ROOT = document.documentElement.dataset.root ?? ""

/** How the names of all that the page keeps in the browser begin; another server of this origin has others. */
export const NAME = `todo${ROOT}`

const TIMEOUT = 30_000 // milliseconds until a request without an answer is sent again

/** There was no answer: no network, no server, or a proxy that answers in its place. */
export class Unreachable extends Error {}

/** The server refused; `problem` says why (RFC 9457). */
export class Refused extends Error {
  /** @param {number} status @param {import("./types").Problem} problem @param {number} retryAfter seconds */
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? problem.title)
    this.status = status
    this.problem = problem
    this.retryAfter = retryAfter
  }
}

/** There is no session, or it has ended: sign in. */
export class SignedOut extends Error {}

/**
 * @typedef {object} Options
 * @property {unknown} [body] sent as JSON
 * @property {Blob} [file] sent as it is, in place of a body
 * @property {Record<string, string>} [headers]
 * @property {string} [token]
 * @property {AbortSignal} [signal] of an answer that is read for long, which has no time-out
 */

/**
 * An answer below 400. Nothing of it stays in the browser's cache, where it would outlive the session.
 *
 * @param {string} method @param {string} path @param {Options} [options]
 * @returns {Promise<Response>}
 * @throws {Unreachable | Refused}
 */
export async function send(method, path, { body, file, headers = {}, token, signal } = {}) {
  const sent = new Headers(headers)
  if (body !== undefined) sent.set("Content-Type", "application/json")
  if (token) sent.set("Authorization", `Bearer ${token}`)
  /** @type {Response} */
  let response
  try {
    const content = body === undefined ? (file ?? null) : JSON.stringify(body)
    const waiting = signal ?? AbortSignal.timeout(TIMEOUT)
    response = await fetch(ROOT + path, { method, headers: sent, body: content, signal: waiting, cache: "no-store" })
  } catch (error) {
    throw new Unreachable(String(error))
  }
  if (response.status < 400) return response
  const problem = await read(response)
  if (!problem || typeof problem !== "object" || !("status" in problem))
    throw new Unreachable(`HTTP ${response.status}`)
  const seconds = Number(response.headers.get("Retry-After"))
  throw new Refused(response.status, /** @type {import("./types").Problem} */ (problem), seconds || 0)
}

/** The path of the page that an answer says is next. @param {Response} response */
export function nextPage({ headers }) {
  const link = /<([^>]*)>; rel="next"/.exec(headers.get("Link") ?? "")?.[1]
  const next = link && new URL(link, location.href)
  return next ? next.pathname.slice(ROOT.length) + next.search : undefined
}

/**
 * The JSON of an answer; null where it has none.
 *
 * @param {Response} response
 * @returns {Promise<import("./types").Json>}
 * @throws {Unreachable} where it is no JSON, as a proxy's page is none
 */
export async function read(response) {
  try {
    const text = await response.text()
    return text ? JSON.parse(text) : null
  } catch (error) {
    throw new Unreachable(String(error))
  }
}
