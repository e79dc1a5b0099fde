// Creates a task with the client that @hey-api/openapi-ts generates.
import { completeTask, createTask, listTasks, readTask } from "./generated/hey"
import { client } from "./generated/hey/client.gen"

declare const process: { argv: string[] }
const [base, user_id, token] = process.argv.slice(2)

async function main(): Promise<void> {
  client.setConfig({ baseUrl: base, auth: token })
  const path = { user_id }
  const made = await createTask({
    path,
    headers: { "Idempotency-Key": "hey-api" },
    body: { title: "From hey-api", tags: ["garden"], due_date: null },
  })
  if (!made.data) throw new Error(made.error.detail)
  const id: string = made.data.id
  const done = await completeTask({ path: { user_id, id } })
  const listed = await listTasks({ path, query: { tag: ["garden"] } })
  const missing = await readTask({ path: { user_id, id: "none" } })
  console.log(done.data?.completed, listed.data?.map((task) => task.title), missing.error?.status)
}
void main()
