import { auth } from "../../../../lib/auth.ts"

const API = process.env.TODO_API_URL ?? "http://127.0.0.1:8000"
const TO_THE_API = ["accept", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id"]
const TO_THE_BROWSER = ["cache-control", "content-type", "etag", "idempotent-replayed", "link", "retry-after"]

type Context = { params: Promise<{ path: string[] }> }

/** `/api/todo/tasks?status=pending` of the browser is `/api/{user_id}/tasks?status=pending` of the API, with a token. */
async function forward(request: Request, { params }: Context): Promise<Response> {
  const session = await auth.api.getSession({ headers: request.headers })
  if (!session) return Response.json({ title: "Unauthorized", status: 401, detail: "Sign in first." }, { status: 401 })
  const { token } = await auth.api.getToken({ headers: request.headers })
  const path = ["api", session.user.id, ...(await params).path]
  if (path.some((part) => part === "." || part === "..")) return new Response(null, { status: 404 })

  const headers = only(TO_THE_API, request.headers)
  headers.set("authorization", `Bearer ${token}`)
  const address = `${API}/${path.map(encodeURIComponent).join("/")}${new URL(request.url).search}`
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer()
  const answer = await fetch(address, { method: request.method, headers, body, signal: request.signal })
  return new Response(answer.body, { status: answer.status, headers: only(TO_THE_BROWSER, answer.headers) })
}

function only(names: string[], from: Headers): Headers {
  return new Headers(names.flatMap((name) => (from.has(name) ? [[name, from.get(name) ?? ""]] : [])))
}

export { forward as DELETE, forward as GET, forward as PATCH, forward as POST, forward as PUT }
