import { useEffect, useState } from "react";

import { refresh, signOut, watchUser, type User } from "./api";
import { SignIn } from "./SignIn";
import { Tasks } from "./Tasks";

/** The page: the tasks of the user who is signed in, or the sign-in. */
export function App() {
  const [user, setUser] = useState<User | null>();
  const [message, setMessage] = useState("");

  useEffect(
    () =>
      watchUser((next, reason) => {
        setUser(next);
        setMessage(reason);
      }),
    [],
  );
  useEffect(start, []);

  function start() {
    setMessage("");
    refresh().catch((error: Error) => setMessage(error.message));
  }

  return (
    <>
      <header>
        <h1>Tasks</h1>
        {user && (
          <>
            <span className="who">{user.name ?? user.email}</span>
            <button onClick={() => signOut().catch((error: Error) => setMessage(error.message))}>Sign out</button>
          </>
        )}
      </header>
      <main>
        {message && <p role="alert">{message}</p>}
        {user === undefined && (message ? <button onClick={start}>Try again</button> : <p>Loading…</p>)}
        {user === null && <SignIn />}
        {user && <Tasks key={user.id} userId={user.id} />}
      </main>
    </>
  );
}
