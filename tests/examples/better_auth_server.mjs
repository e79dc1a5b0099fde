// The Next.js example without Next.js: its compiled routes, as Next.js would call them, on a port of this machine.
// node better_auth_server.mjs <folder of the compiled example> <seconds that it runs at most>; prints its port.
import { once } from "node:events"
import { createServer } from "node:http"
import { pathToFileURL } from "node:url"

const [folder, seconds] = process.argv.slice(2)
setTimeout(() => process.exit(1), Number(seconds) * 1000).unref()

const server = createServer()
server.listen(0, "127.0.0.1")
await once(server, "listening")
const { port } = server.address()
process.env.BETTER_AUTH_URL = `http://localhost:${port}`
const route = (name) => import(pathToFileURL(`${folder}/app/api/${name}/route.js`).href)
const auth = await route("auth/[...all]")
const todo = await route("todo/[...path]")

server.on("request", async (incoming, outgoing) => {
  const chunks = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { method, headers } = incoming
  const body = ["GET", "HEAD"].includes(method) ? undefined : Buffer.concat(chunks)
  const request = new Request(`http://localhost:${port}${incoming.url}`, { method, headers, body })
  const { pathname } = new URL(request.url)
  const [, , where, ...path] = pathname.split("/").map(decodeURIComponent)
  const handler = { auth, todo }[where]?.[method]
  const response = handler
    ? await handler(request, { params: Promise.resolve({ path }) })
    : new Response(null, { status: 404 })
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value)
  outgoing.setHeader("set-cookie", response.headers.getSetCookie())
  outgoing.end(Buffer.from(await response.arrayBuffer()))
})
console.log(port)
