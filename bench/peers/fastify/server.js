// Fastify on pg: SQL by hand, responses by a compiled schema. The usual fast way in Node.
import { randomUUID } from 'node:crypto'
import jwt from '@fastify/jwt'
import Fastify from 'fastify'
import pg from 'pg'

const columns = 'id, user_id, title, description, completed, created_at, updated_at'
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 })
const app = Fastify()
await app.register(jwt, { secret: process.env.JWT_SECRET })

const time = { type: 'string', format: 'date-time' }
const task = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    user_id: { type: 'string' },
    title: { type: 'string' },
    description: { type: ['string', 'null'] },
    completed: { type: 'boolean' },
    created_at: time,
    updated_at: time
  }
}
const fields = {
  title: { type: 'string', minLength: 1, maxLength: 255 },
  description: { type: ['string', 'null'], maxLength: 10000 },
  completed: { type: 'boolean' }
}
const one = { response: { '2xx': task } }

app.addHook('onRequest', async (request, reply) => {
  await request.jwtVerify()
  if (request.user.sub !== request.params.user_id) return reply.code(403).send({ detail: 'Not enough permissions' })
})

// A named statement is prepared once for each connection.
const query = (name, text, values) => pool.query({ name, text, values })
const found = (reply, { rows }) => rows[0] ?? reply.code(404).send({ detail: 'Task not found' })

app.get('/api/:user_id/tasks', { schema: { response: { 200: { type: 'array', items: task } } } }, async (request) => {
  const { limit = 100, offset = 0 } = request.query
  const text = `select ${columns} from tasks where user_id = $1 order by created_at desc limit $2 offset $3`
  return (await query('list', text, [request.params.user_id, limit, offset])).rows
})

app.post('/api/:user_id/tasks', { schema: { ...one, body: { type: 'object', required: ['title'], properties: fields } } },
  async (request, reply) => {
    const { title, description = null, completed = false } = request.body
    const text = 'insert into tasks (id, user_id, title, description, completed)' +
      ` values ($1, $2, $3, $4, $5) returning ${columns}`
    const { rows } = await query('create', text, [randomUUID(), request.params.user_id, title, description, completed])
    reply.code(201)
    return rows[0]
  })

app.get('/api/:user_id/tasks/:id', { schema: one }, async (request, reply) => found(reply, await query(
  'read', `select ${columns} from tasks where user_id = $1 and id = $2`, [request.params.user_id, request.params.id])))

app.put('/api/:user_id/tasks/:id', { schema: { ...one, body: { type: 'object', properties: fields } } },
  async (request, reply) => {
    const given = Object.keys(fields).filter((name) => name in request.body)
    const changes = given.map((name, index) => `${name} = $${index + 3}, `).join('')
    const text = `update tasks set ${changes} updated_at = now() where user_id = $1 and id = $2 returning ${columns}`
    return found(reply, await pool.query(
      text, [request.params.user_id, request.params.id, ...given.map((name) => request.body[name])]))
  })

app.patch('/api/:user_id/tasks/:id/complete', { schema: one }, async (request, reply) => found(reply, await query(
  'complete', 'update tasks set completed = not completed, updated_at = now()' +
  ` where user_id = $1 and id = $2 returning ${columns}`, [request.params.user_id, request.params.id])))

app.delete('/api/:user_id/tasks/:id', async (request, reply) => {
  await query('delete', 'delete from tasks where user_id = $1 and id = $2', [request.params.user_id, request.params.id])
  return reply.code(204).send()
})

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
