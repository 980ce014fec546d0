import { writeAudit } from '@telltale/infra/storage/audit'
import { enrol } from '@telltale/infra/storage/enrolments'
import { createSignInLink } from '@telltale/infra/storage/users'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Answer, addDevice, call, cookieOf, signIn, startApi, type TestApi } from './harness.ts'

let api: TestApi
let admin: Record<string, string>

beforeAll(async () => {
  api = await startApi()
  admin = await signIn(api, 'admin')
})
afterAll(() => api.stop())

const PASSWORD = 'seven quiet herons'
const audit = (query = '') => call(api, `GET /audit${query}`, { headers: admin })
const send = (line: string, body?: unknown, headers = admin) =>
  call(api, line, { headers, ...(body !== undefined && { body }) })

async function person(username: string): Promise<Record<string, string>> {
  await send('POST /users', { username, role: 'operator', password: PASSWORD })
  const entered = await send('POST /session', { username, password: PASSWORD }, {})
  return { cookie: cookieOf(entered as unknown as Response), 'x-telltale-csrf': '1' }
}

async function waiting(deviceId: string): Promise<void> {
  const hash = Buffer.alloc(32, 7)
  await enrol(api.database.pool, { deviceId, hash, address: '10.0.0.7', clientId: 'esp', mode: 'approve' })
}

async function idOf(line: string, body: unknown): Promise<string> {
  const made = await send(line, body)
  if (made.status >= 300) throw new Error(`${line}: ${made.status} ${made.body.code}`)
  return made.body.id
}

/** Routes that change nothing somebody would ask about later. */
const silent: Record<string, string> = {
  'PUT /events/:stream': 'which devices one’s own open stream carries',
}

/** Does what the route is for, once. */
const deeds: Record<string, () => Promise<Answer>> = {
  'POST /session': async () =>
    send('POST /session', { link: await createSignInLink(api.database.pool, 'viewer', 60_000) }, {}),
  'DELETE /session': async () => send('DELETE /session', undefined, await person('leaver')),
  'PUT /session/password': async () =>
    send(
      'PUT /session/password',
      { current: PASSWORD, password: 'a lamp in the fog' },
      await person('changer'),
    ),
  'DELETE /sessions/:id': async () => {
    const headers = await person('ender')
    const { body } = await send('GET /sessions', undefined, headers)
    return send(`DELETE /sessions/${body.items[0].id}`, undefined, headers)
  },
  'POST /users': () => send('POST /users', { username: 'made', role: 'viewer' }),
  'PATCH /users/:id': async () =>
    send(`PATCH /users/${await idOf('POST /users', { username: 'raised', role: 'viewer' })}`, {
      role: 'operator',
    }),
  'DELETE /users/:id': async () =>
    send(`DELETE /users/${await idOf('POST /users', { username: 'gone', role: 'viewer' })}`),
  'POST /tokens': () => send('POST /tokens', { name: 'ci', role: 'viewer' }),
  'DELETE /tokens/:id': async () =>
    send(`DELETE /tokens/${await idOf('POST /tokens', { name: 'old-ci', role: 'viewer' })}`),
  'POST /devices': () => send('POST /devices', { id: 'made', name: 'Made' }),
  'PATCH /devices': () => send('PATCH /devices', { filter: { ids: ['kitchen'] }, addTags: ['warm'] }),
  'PATCH /devices/:id': () => send('PATCH /devices/kitchen', { name: 'Kitchen' }),
  'DELETE /devices/:id': async () => {
    await addDevice(api, 'short')
    return send('DELETE /devices/short')
  },
  'POST /devices/:id/credentials': () => send('POST /devices/kitchen/credentials'),
  'DELETE /devices/:id/credentials/:credentialId': async () =>
    send(`DELETE /devices/attic/credentials/${await idOf('POST /devices/attic/credentials', undefined)}`),
  'PUT /types/:name': () => send('PUT /types/pump', { label: 'Pump' }),
  'DELETE /types/:name': async () => {
    await send('PUT /types/oven', { label: 'Oven' })
    return send('DELETE /types/oven')
  },
  'POST /enrolments/:id/approve': async () => {
    await waiting('newcomer')
    return send('POST /enrolments/newcomer/approve')
  },
  'DELETE /enrolments/:id': async () => {
    await waiting('stranger')
    return send('DELETE /enrolments/stranger')
  },
  'POST /integrations': () => send('POST /integrations', { name: 'node-red', read: true }),
  'DELETE /integrations/:name': async () => {
    await send('POST /integrations', { name: 'telegraf', write: true })
    return send('DELETE /integrations/telegraf')
  },
  'POST /devices/:id/commands': () => send('POST /devices/kitchen/commands', { name: 'blink' }),
  'DELETE /commands/:commandId': async () =>
    send(`DELETE /commands/${await idOf('POST /devices/attic/commands', { name: 'blink' })}`),
  'POST /commands': () => send('POST /commands', { filter: { ids: ['kitchen'] }, name: 'blink' }),
  'DELETE /command-batches/:batchId': async () =>
    send(
      `DELETE /command-batches/${await idOf('POST /commands', { filter: { ids: ['attic'] }, name: 'blink' })}`,
    ),
  'POST /boards': () => send('POST /boards', { name: 'Cellar' }),
  'PUT /boards/:id': async () => {
    const { body } = await send('POST /boards', { name: 'Roof' })
    const { name, shared, range, panels, version } = body
    return send(`PUT /boards/${body.id}`, { name, shared, range, panels, version })
  },
  'DELETE /boards/:id': async () => send(`DELETE /boards/${await idOf('POST /boards', { name: 'Barn' })}`),
}

it('S-AUDIT-3 every route that changes something leaves exactly one entry: who, what, from where; never a secret', async () => {
  for (const id of ['kitchen', 'attic']) await addDevice(api, id)
  const { paths } = api.app.swagger() as unknown as { paths: Record<string, Record<string, unknown>> }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => path.startsWith('/api/v1/') && method !== 'get')
      .map((method) => `${method.toUpperCase()} ${path.slice(7).replace(/\{(\w+)\}/g, ':$1')}`),
  )
  expect(routes.length).toBeGreaterThan(25)
  const unproven = routes.filter((route) => !(route in deeds) && !(route in silent))
  expect(unproven).toEqual([])
  for (const route of routes.filter((name) => !(name in silent))) {
    const newest = await newestId()
    const answer = await deeds[route]?.()
    expect([route, answer?.body.code]).toEqual([route, undefined])
    const { body } = await audit()
    const fresh = body.items.filter(({ id }: { id: number }) => id > newest)
    const [entry] = fresh
    expect([route, entry?.result, entry?.address]).toEqual([route, 'ok', '127.0.0.1'])
    expect(entry.action).toMatch(/^[a-z]+\.[a-z_]+$/)
    expect(entry.actor).toMatch(/^(admin|viewer|leaver|changer|ender)$/)
    // What was made on the way to it has entries of its own; the deed itself has one.
    const same = fresh.filter(
      ({ action, target }: Entry) => action === entry.action && target === entry.target,
    )
    expect([route, same.length]).toEqual([route, 1])
  }
  const { rows } = await api.database.pool.query('SELECT * FROM audit_entry')
  expect(JSON.stringify(rows)).not.toMatch(/herons|lamp in the fog|tt_|argon2/)
})

interface Entry {
  id: number
  action: string
  target: string
}

async function newestId(): Promise<number> {
  const { body } = await audit('?limit=1')
  return body.items[0]?.id ?? 0
}

it('S-AUDIT-4 the log is filtered by person, kind, target, outcome and time, newest first', async () => {
  const { pool } = api.database
  const write = (actor: string, action: string, target: string, result: 'ok' | 'failed' = 'ok') =>
    writeAudit(pool, { actor, action, target, result, detail: { n: 1 }, address: '10.1.2.3' })
  await write('Nora', 'lamp.create', 'one')
  await write('nora', 'lamp.change', 'two')
  await write('olaf', 'lamp.change', 'two', 'failed')
  await write('olaf', 'lampshade.change', 'two')
  const targets = async (query: string) => {
    const { body } = await audit(query)
    return body.items.map(
      ({ actor, action, target }: Record<string, string>) => `${actor} ${action} ${target}`,
    )
  }
  expect(await targets('?actor=NORA')).toEqual(['nora lamp.change two', 'Nora lamp.create one'])
  expect(await targets('?action=lamp')).toEqual([
    'olaf lamp.change two',
    'nora lamp.change two',
    'Nora lamp.create one',
  ])
  expect(await targets('?action=lamp.change&result=failed')).toEqual(['olaf lamp.change two'])
  expect(await targets('?target=one')).toEqual(['Nora lamp.create one'])
  expect(await targets('?action=lamp_')).toEqual([])
  expect(await targets('?actor=nora&from=now-1h&to=now%2B1h')).toHaveLength(2)
  expect(await targets('?actor=nora&to=now-1h')).toEqual([])
  const bad = await audit('?from=yesterday')
  expect([bad.status, bad.body.errors[0].path]).toEqual([422, 'query/from'])
})

it('S-AUDIT-5 pages of the log neither repeat nor skip, also while entries are written', async () => {
  const { pool } = api.database
  for (let n = 0; n < 7; n++)
    await writeAudit(pool, { actor: 'pages', action: 'page.turn', target: String(n), result: 'ok' })
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await audit(`?actor=pages&limit=3${cursor}`)
    seen.push(...body.items.map(({ target }: Entry) => target))
    await writeAudit(pool, { actor: 'pages', action: 'page.turn', target: 'late', result: 'ok' })
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(seen).toEqual(['6', '5', '4', '3', '2', '1', '0'])
  for (const key of [0, -1, 1.5, 2 ** 60]) {
    const cursor = Buffer.from(JSON.stringify(key)).toString('base64url')
    expect((await audit(`?cursor=${cursor}`)).body.code).toBe('invalid_cursor')
  }
})

it('S-AUDIT-6 what was deleted keeps its name in the log', async () => {
  const { body } = await send('POST /users', { username: 'brief-stay', role: 'viewer' })
  await send(`DELETE /users/${body.id}`)
  const token = await send('POST /tokens', { name: 'brief-token', role: 'viewer' })
  await send(`DELETE /tokens/${token.body.id}`)
  for (const [target, action] of [
    ['brief-stay', 'user.delete'],
    ['brief-token', 'token.revoke'],
  ])
    expect((await audit(`?target=${target}`)).body.items[0]).toMatchObject({ action, target, actor: 'admin' })
})

it('O-SETTINGS-1 an admin sees what brokers run with and the database, and never a secret', async () => {
  const { pool } = api.database
  const none = await send('GET /settings')
  expect(none.body).toMatchObject({ brokers: [], database: { engine: 'plain', extensionVersion: null } })
  const settings = { enrolment: 'approve', enrolmentKeySet: true, retentionDays: 90, backfillDays: 30 }
  await pool.query(
    `INSERT INTO broker (id, started_at, seen_at, settings) VALUES
       ('broker-1', now(), now(), $1), ('older', now(), now(), NULL), ('gone', now(), now() - interval '1 h', $1)`,
    [JSON.stringify(settings)],
  )
  expect((await send('GET /settings')).body.brokers).toEqual([
    { brokerId: 'broker-1', settings },
    { brokerId: 'older', settings: null },
  ])
})
