import { useState, type FormEvent } from "react";

import { signIn, signUp } from "./api";

/** The form to sign in, or to create an account. */
export function SignIn() {
  const [isNew, setIsNew] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    setError("");
    try {
      if (isNew) await signUp(text("name"), text("email"), text("password"));
      else await signIn(text("email"), text("password"));
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  }

  return (
    <form className="card" onSubmit={submit}>
      <h2>{isNew ? "Create an account" : "Sign in"}</h2>
      {isNew && (
        <label>
          Name (optional)
          <input name="name" autoComplete="name" maxLength={100} />
        </label>
      )}
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          minLength={isNew ? 8 : undefined}
          maxLength={256}
          required
        />
        {isNew && <small>At least 8 characters.</small>}
      </label>
      {error && <p role="alert">{error}</p>}
      <div className="buttons">
        <button className="main" disabled={busy}>
          {isNew ? "Create account" : "Sign in"}
        </button>
        <button type="button" onClick={() => setIsNew(!isNew)}>
          {isNew ? "I have an account" : "I am new here"}
        </button>
      </div>
    </form>
  );
}
