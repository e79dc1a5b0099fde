"use client"

import { useCallback, useEffect, useState, type FormEvent } from "react"

import { authClient, todo } from "../lib/auth-client.ts"

type Task = { id: string; title: string; completed: boolean }

export default function Page() {
  const { data, isPending } = authClient.useSession()
  if (isPending) return null
  return <main>{data ? <Tasks /> : <SignIn />}</main>
}

function SignIn() {
  const [error, setError] = useState<string>()

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const account = { email: String(form.get("email")), password: String(form.get("password")) }
    const signedIn = await authClient.signIn.email(account)
    if (!signedIn.error) return
    const signedUp = await authClient.signUp.email({ ...account, name: account.email })
    setError(signedUp.error?.message)
  }

  return (
    <form onSubmit={submit}>
      <label>
        E-mail <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button>Sign in, or sign up</button>
      <p role="alert">{error}</p>
    </form>
  )
}

function Tasks() {
  const [tasks, setTasks] = useState<Task[]>([])
  const [error, setError] = useState<string>()

  const run = useCallback(async (write?: () => Promise<unknown>) => {
    try {
      await write?.()
      setTasks(await todo<Task[]>("GET", "tasks"))
      setError(undefined)
    } catch (problem) {
      setError((problem as Error).message)
    }
  }, [])

  useEffect(() => void run(), [run])

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const title = String(new FormData(form).get("title"))
    void run(() => todo("POST", "tasks", { title })).then(() => form.reset())
  }

  return (
    <>
      <form onSubmit={add}>
        <label>
          New task <input name="title" required />
        </label>
        <button>Add</button>
      </form>
      <p role="alert">{error}</p>
      <ul>
        {tasks.map((task) => (
          <li key={task.id}>
            <label>
              <input
                type="checkbox"
                checked={task.completed}
                onChange={() => run(() => todo("PATCH", `tasks/${task.id}/complete`, { completed: !task.completed }))}
              />
              {task.title}
            </label>
          </li>
        ))}
      </ul>
      <button onClick={() => authClient.signOut()}>Sign out</button>
    </>
  )
}
