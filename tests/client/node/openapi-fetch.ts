// Creates a task with openapi-fetch, by the types that openapi-typescript makes.
import createClient from "openapi-fetch"
import type { paths } from "./generated/schema"

declare const process: { argv: string[] }
const [base, user_id, token] = process.argv.slice(2)

async function main(): Promise<void> {
  const client = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${token}` } })
  const path = { user_id }
  const { data, error } = await client.POST("/api/{user_id}/tasks", {
    params: { path, header: { "Idempotency-Key": "openapi-fetch" } },
    body: { title: "From openapi-fetch", tags: ["home"], due_date: null },
  })
  if (!data) throw new Error(error.detail)
  const id: string = data.id
  const done = await client.PATCH("/api/{user_id}/tasks/{id}/complete", { params: { path: { user_id, id } } })
  const listed = await client.GET("/api/{user_id}/tasks", { params: { path, query: { tag: ["home"] } } })
  const missing = await client.GET("/api/{user_id}/tasks/{id}", { params: { path: { user_id, id: "none" } } })
  console.log(done.data?.completed, listed.data?.map((task) => task.title), missing.error?.status)
}
void main()
