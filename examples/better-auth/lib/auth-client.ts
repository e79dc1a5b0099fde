import { createAuthClient } from "better-auth/react"

export const authClient = createAuthClient()

/** A call of the API by way of `app/api/todo`; raises an Error with what the server says. */
export async function todo<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`/api/todo/${path}`, {
    method,
    headers: body && { "Content-Type": "application/json", "Idempotency-Key": `${Date.now()}-${Math.random()}` },
    body: body && JSON.stringify(body),
  })
  if (!response.ok) throw new Error((await response.json()).detail)
  return response.status === 204 ? (undefined as T) : response.json()
}
