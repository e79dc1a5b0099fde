/** The API by plain `fetch`, for a page or a script. Copy it: it needs nothing else. */

const ATTEMPTS = 4 // of a request that gets no answer, 429 or 503
const TIMEOUT = 15_000 // milliseconds

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const newKey = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`

/** A refusal: `message` says what to do, `problem` is the whole problem document (RFC 9457). */
export class TodoError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`)
    this.status = status
    this.problem = problem
  }
}

export class Todo {
  user = null
  #base
  #cookies
  #token = null
  #refreshToken = null // only without cookies
  #refreshing = null

  /** `base`: the server's address, "" for that of the page. `cookies: false` where there are none: scripts and apps. */
  constructor(base = "", { cookies = true } = {}) {
    this.#base = base
    this.#cookies = cookies
  }

  signUp = (email, password, name) => this.#enter("signup", { email, password, name })
  signIn = (email, password) => this.#enter("signin", { email, password })

  async signOut() {
    await this.#send("POST", "/api/auth/signout", { body: this.#ownToken() })
    this.#keep({ user: null, access_token: null, refresh_token: null })
  }

  /** The next access token; at the start of a page, the session of the time before. Raises TodoError 401 without one. */
  refresh() {
    this.#refreshing ??= this.#enter("refresh", this.#ownToken()).finally(() => (this.#refreshing = null))
    return this.#refreshing // one at a time: each refresh token works once
  }

  /** All tasks, a page after the other; filters as in the reference: `{ status: "pending", tag: "home" }`. */
  async *tasks(filters = {}) {
    let path = `${this.#tasks}?${new URLSearchParams({ limit: 200, ...filters })}`
    while (path) {
      const response = await this.#call("GET", path)
      yield* await response.json()
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1]
    }
  }

  create = (fields) => this.#json("POST", this.#tasks, { body: fields })

  /** Refused with 412 if the task is no longer as `task`: `error.problem.current` is what it is now. */
  update = (task, changes) =>
    this.#json("PUT", `${this.#tasks}/${task.id}`, { body: changes, headers: { "If-Match": `"${task.revision}"` } })

  complete = (task, completed = true) =>
    this.#json("PATCH", `${this.#tasks}/${task.id}/complete`, { body: { completed } })

  remove = (task) => this.#json("DELETE", `${this.#tasks}/${task.id}`)

  /** Changes as they happen, from any device, until `signal` is aborted. Raises TodoError 410: read the tasks again. */
  async *changes({ since, signal } = {}) {
    let last = since
    while (!signal?.aborted) {
      try {
        const query = last === undefined ? "" : `?since=${last}`
        const response = await this.#call("GET", `/api/${this.user.id}/changes/stream${query}`, { signal })
        for await (const event of events(response.body)) {
          last = event.id ?? last
          if (event.event === "change") yield JSON.parse(event.data)
        }
      } catch (error) {
        if (signal?.aborted) return
        if (error instanceof TodoError) throw error
      }
      await pause(1000) // the stream has ended: connect again where it was
    }
  }

  get #tasks() {
    return `/api/${encodeURIComponent(this.user.id)}/tasks`
  }

  #ownToken = () => (this.#cookies ? undefined : { refresh_token: this.#refreshToken })

  async #enter(how, account) {
    const body = this.#cookies ? account : { ...account, refresh: "body" }
    const response = await this.#send("POST", `/api/auth/${how}`, { body })
    return this.#keep(await response.json())
  }

  #keep(session) {
    this.#token = session.access_token
    this.#refreshToken = session.refresh_token
    this.user = session.user
    return session.user
  }

  async #json(method, path, options) {
    const response = await this.#call(method, path, options)
    return response.status === 204 ? undefined : response.json()
  }

  /** A write has a key, so that it is made once, however often it is sent. An expired access token is replaced. */
  async #call(method, path, { headers, ...options } = {}) {
    const key = method === "GET" ? {} : { "Idempotency-Key": newKey() }
    const send = () =>
      this.#send(method, path, { ...options, headers: { Authorization: `Bearer ${this.#token}`, ...key, ...headers } })
    try {
      return await send()
    } catch (error) {
      if (error.status !== 401) throw error
      await this.refresh()
      return send()
    }
  }

  async #send(method, path, { body, headers = {}, signal } = {}) {
    const request = {
      method,
      headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      credentials: path.startsWith("/api/auth/") && this.#cookies ? "include" : "omit",
    }
    for (let attempt = 1; ; attempt++) {
      let response
      try {
        response = await fetch(this.#base + path, { ...request, signal: signal ?? AbortSignal.timeout(TIMEOUT) })
        if (response.ok) return response
      } catch (error) {
        if (attempt === ATTEMPTS || signal?.aborted) throw error
      }
      if (response && (attempt === ATTEMPTS || ![429, 503].includes(response.status)))
        throw new TodoError(response.status, await response.json().catch(() => ({})))
      await pause(1000 * Number(response?.headers.get("Retry-After") ?? attempt))
    }
  }
}

/** Server-sent events: objects with `event`, `data` and `id`. Lines that begin with a colon are comments. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const parts = (text + value).split("\n\n")
    text = parts.pop()
    for (const part of parts) {
      const lines = part.split("\n").filter((line) => !line.startsWith(":"))
      yield Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2)))
    }
  }
}
