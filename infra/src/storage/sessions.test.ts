import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { createDevice } from './devices.ts'
import { type NewSession, openSessions } from './sessions.ts'

let database: TestDatabase
const atMs = Date.now()

beforeAll(async () => {
  database = await createTestDatabase()
  for (const id of ['a', 'b', 'c']) await createDevice(database.pool, { id, name: id, type: null, tags: [] })
})
beforeEach(() => database.pool.query('DELETE FROM session'))
afterAll(() => database?.drop())

/** They all began in one millisecond, unless it says otherwise. */
function session(deviceId: string, { laterMs = 0, isLate = false, brokerId = 'here' } = {}): NewSession {
  const connectedAt = new Date(atMs + laterMs)
  return { deviceId, brokerId, clientId: 'x', address: null, connectedAt, isLate }
}

/** Whose row each got, and the different ones there are. */
async function open(
  sessions: NewSession[],
): Promise<{ owners: (string | null)[]; epochs: (number | null)[] }> {
  const epochs = await openSessions(database.pool, sessions)
  const { rows } = await database.pool.query<{ id: number; device_id: string }>(
    'SELECT id, device_id FROM session',
  )
  const owner = new Map(rows.map(({ id, device_id }) => [id, device_id]))
  return { epochs, owners: epochs.map((epoch) => (epoch === null ? null : (owner.get(epoch) ?? 'nobody'))) }
}

const different = (epochs: (number | null)[]) => new Set(epochs.filter((epoch) => epoch !== null)).size

it('R-AWAY-17 each connection has its own row, also of those of a device that begin in one millisecond', async () => {
  const given = [session('a'), session('b'), session('a'), session('gone'), session('a'), session('c')]
  const { owners, epochs } = await open(given)
  expect(owners).toEqual(['a', 'b', 'a', null, 'a', 'c'])
  expect(different(epochs)).toBe(5)
})

it('R-AWAY-17 done again, when nobody knows whether it was done, each has the row it had', async () => {
  const given = [session('a'), session('a'), session('b'), session('gone'), session('c')]
  const first = await open(given)
  expect((await open(given)).epochs).toEqual(first.epochs)
  // What failed is tried alone first, and then with what has come since.
  expect((await open(given.slice(0, 1))).epochs).toEqual(first.epochs.slice(0, 1))
  const more = await open([...given, session('a'), session('c', { laterMs: 1 })])
  expect(more.epochs.slice(0, given.length)).toEqual(first.epochs)
  expect(more.owners.slice(given.length)).toEqual(['a', 'c'])
  expect(different(more.epochs)).toBe(6)
})

it('R-AWAY-17 one that waited and is elsewhere since has none, and the others have their own', async () => {
  await open([session('b', { brokerId: 'there', laterMs: 5_000 })])
  const late = { isLate: true }
  const given = [session('a', late), session('b', late), session('b', late), session('c', late)]
  const { owners, epochs } = await open(given)
  expect(owners).toEqual(['a', null, null, 'c'])
  expect(different(epochs)).toBe(2)
})
