import { betterAuth } from "better-auth"
import { memoryAdapter } from "better-auth/adapters/memory"
import { jwt } from "better-auth/plugins"

// Put your database here (https://www.better-auth.com/docs/adapters): in memory, accounts are lost when the process ends.
const tables = { user: [], session: [], account: [], verification: [], jwks: [] }

export const auth = betterAuth({
  baseURL: process.env.BETTER_AUTH_URL, // http://localhost:3000; the iss and the aud of the tokens
  secret: process.env.BETTER_AUTH_SECRET,
  database: memoryAdapter(tables),
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  plugins: [jwt()], // signs with EdDSA, and publishes the keys at /api/auth/jwks
})
