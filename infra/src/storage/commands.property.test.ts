import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { registerDevice } from '../testing/broker.ts'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { readCommandClock } from './command-clock.ts'
import {
  cancelCommand,
  noteLateReply,
  type TransitionName,
  transitionCommand,
} from './command-transitions.ts'
import {
  type CommandEventRecord,
  type CommandRecord,
  getCommand,
  insertCommand,
  listCommandEvents,
} from './commands.ts'
import { finishOverdueCommands, listDueCommands } from './due-commands.ts'
import { createPool, type Pool } from './pool.ts'

const SEEDS = [1, 2, 3, 5, 8, 13]
const DEVICES = ['a', 'b']
const COMMANDS = 24
const STEPS = 600
const TTL_MS = 10_000
/** Of the commands' own time that passes in a run, so that some run out and some do not. */
const RUN_MS = 30_000

let database: TestDatabase
/** A second program's. */
let other: Pool

beforeAll(async () => {
  database = await createTestDatabase()
  other = createPool({ url: database.url, name: 'test', max: 4 })
  for (const device of DEVICES) await registerDevice(database.pool, device)
})
afterAll(async () => {
  await other?.end()
  await database?.drop()
})

const REPLIES: TransitionName[] = ['accepted', 'progress', 'succeeded', 'failed', 'rejected']
const OVER = new Set(['succeeded', 'failed', 'rejected', 'expired', 'timed_out', 'cancelled'])

/** From which statuses each event may come; `delivered` beside its own path adds its time only. */
const LEGAL: Record<string, string[]> = {
  sent: ['queued'],
  delivered: ['sent', 'accepted', 'succeeded', 'failed', 'rejected'],
  accepted: ['sent', 'delivered'],
  progress: ['sent', 'delivered', 'accepted'],
  succeeded: ['sent', 'delivered', 'accepted'],
  failed: ['sent', 'delivered', 'accepted'],
  rejected: ['sent', 'delivered', 'accepted'],
  cancelled: ['queued'],
  expired: ['queued', 'sent'],
  timed_out: ['delivered', 'accepted'],
  late_reply: [...OVER],
}

function statusAfter(status: string, event: string): string {
  if (event === 'late_reply') return status
  if (event === 'progress') return 'accepted'
  return event === 'delivered' && status !== 'sent' ? status : event
}

describe('the state machine of a command', () => {
  it.each(SEEDS)(
    'C-LEGAL-1 whatever races, only legal steps are taken, each once (seed %i)',
    async (seed) => {
      const next = random(seed)
      const pick = <T>(items: readonly T[]) => items[Math.floor(next() * items.length)] as T
      const ids: string[] = []
      for (let i = 0; i < COMMANDS; i++) {
        const id = randomUUID()
        ids.push(id)
        const command = {
          id,
          deviceId: pick(DEVICES),
          name: 'x',
          params: {},
          ttlMs: TTL_MS,
          createdBy: 'test',
        }
        expect((await insertCommand(database.pool, command)).outcome).toBe('created')
      }
      const { nowMs } = await readCommandClock(database.pool)
      const changes = new Map<string, number>(ids.map((id) => [id, 0]))
      const counted = (record: CommandRecord | undefined) => {
        if (record) changes.set(record.id, (changes.get(record.id) ?? 0) + 1)
      }
      const step = async (number: number, kind: number): Promise<void> => {
        const pool = pick([database.pool, other])
        const atMs = nowMs + (number / STEPS) * RUN_MS
        const change = { id: pick(ids), deviceId: pick(DEVICES) }
        if (kind < 0.05) return (await finishOverdueCommands(pool, 'any', atMs)).forEach(counted)
        if (kind < 0.1) return counted(await cancelCommand(pool, change.id))
        if (kind < 0.35) return counted(await transitionCommand(pool, { ...change, to: 'sent' }, atMs))
        if (kind < 0.55) return counted(await transitionCommand(pool, { ...change, to: 'delivered' }, atMs))
        const reply = {
          ...change,
          to: pick(REPLIES),
          detail: { result: Math.floor(next() * 3), error: null },
        }
        const record = await transitionCommand(pool, reply, atMs)
        counted(record)
        if (!record)
          await noteLateReply(pool, { ...reply, words: { status: reply.to, detail: reply.detail } })
      }
      const WIDTH = 8
      for (let number = 0; number < STEPS; number += WIDTH)
        await Promise.all(Array.from({ length: WIDTH }, (_, i) => step(number + i, next())))
      for (const record of await finishOverdueCommands(other, 'any', nowMs + RUN_MS + 2 * TTL_MS))
        counted(record)
      for (const id of ids) {
        const command = (await getCommand(database.pool, id)) as CommandRecord
        const events = await listCommandEvents(database.pool, id)
        checkPath(command, events)
        expect(events.filter(({ status }) => !['queued', 'late_reply'].includes(status)).length).toBe(
          changes.get(id),
        )
      }
    },
  )

  it('C-EVENTS-1 progress without end changes the row and keeps a bounded history', async () => {
    const id = await queue()
    await transitionCommand(database.pool, { id, deviceId: 'a', to: 'sent' })
    const count = limits.commands.progressEventsMax + 3
    for (let i = 1; i <= count; i++)
      await transitionCommand(database.pool, { id, deviceId: 'a', to: 'progress', detail: i })
    expect(await getCommand(database.pool, id)).toMatchObject({ status: 'accepted', progress: count })
    expect((await listCommandEvents(database.pool, id)).length).toBe(2 + limits.commands.progressEventsMax)
  })
})

async function queue(deviceId = 'a'): Promise<string> {
  await database.pool.query('UPDATE command SET finished_at = now() WHERE finished_at IS NULL')
  const id = randomUUID()
  await insertCommand(database.pool, {
    ...{ id, deviceId, name: 'x', params: {}, ttlMs: TTL_MS, createdBy: 'test' },
  })
  return id
}

function checkPath(command: CommandRecord, events: CommandEventRecord[]): void {
  const { id } = command
  const names = events.map((event) => event.status)
  expect(names[0]).toBe('queued')
  let status: string = 'queued'
  for (const name of names.slice(1)) {
    expect(LEGAL[name], `${id}: ${names}`).toContain(status)
    status = statusAfter(status, name)
  }
  expect([id, command.status, command.finishedAt !== null]).toEqual([id, status, OVER.has(status)])
  expect([id, OVER.has(status)]).toEqual([id, true])
  expect(names.filter((name) => OVER.has(name)).length).toBe(1)
  expect(names.filter((name) => name === 'delivered').length).toBe(command.deliveredAt === null ? 0 : 1)
  expect(names.includes('sent')).toBe(command.sentAt !== null)
  expect(names.filter((name) => name === 'late_reply').length).toBeLessThanOrEqual(
    limits.commands.lateRepliesMax,
  )
  const times = events.map(({ at }) => at)
  expect(times).toEqual([...times].sort())
  const { createdAt, sentAt, acceptedAt, finishedAt } = command
  const row = [createdAt, sentAt, acceptedAt, finishedAt].filter((time) => time !== null)
  expect(row).toEqual([...row].sort())
  if (status === 'cancelled') expect(sentAt).toBeNull()
  if (status === 'expired') expect(command.deliveredAt).toBeNull()
}

describe('two programs at once', () => {
  it('C-QUEUE-1 the queue of a device never holds more than its bound, and is in the order it was seen', async () => {
    await queue('b')
    const room = limits.commands.queuedPerDeviceMax - 1
    const outcomes = await Promise.all(
      Array.from({ length: room + 20 }, async (_, i) => {
        const id = randomUUID()
        const command = { id, deviceId: 'b', name: 'x', params: {}, ttlMs: TTL_MS, createdBy: 'test' }
        const { outcome } = await insertCommand(i % 2 ? database.pool : other, command)
        return { id, outcome }
      }),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'created').length).toBe(room)
    expect(outcomes.filter(({ outcome }) => outcome === 'queue_full').length).toBe(20)
    const { nowMs } = await readCommandClock(database.pool)
    const due = await listDueCommands(database.pool, 'b', { limit: 1_000, nowMs })
    const times = due.map(({ createdAt }) => createdAt)
    expect([due.length, times]).toEqual([room + 1, [...times].sort()])
  })

  it('C-ONCE-2 one key at once with two bodies: one is made, the other is a conflict', async () => {
    await queue('b')
    for (let i = 0; i < 20; i++) {
      const insert = (pool: Pool, deviceId: string, name: string) =>
        insertCommand(pool, {
          ...{ id: randomUUID(), deviceId, name, params: {}, ttlMs: TTL_MS, createdBy: 'test' },
          idempotencyKey: `key ${i}`,
        })
      const answers = await Promise.all([
        ...[insert(database.pool, 'a', 'one'), insert(other, 'a', 'one')],
        ...[insert(other, 'a', 'two'), insert(database.pool, 'b', 'one')],
      ])
      const made = answers.find(({ outcome }) => outcome === 'created')?.command as CommandRecord
      const expected = (name: string, deviceId: string) =>
        made.name === name && made.deviceId === deviceId ? ['created', 'repeated'] : ['conflict']
      const [first, again, second, third] = answers.map(({ outcome }) => outcome)
      for (const outcome of [first, again]) expect(expected('one', 'a')).toContain(outcome)
      expect(expected('two', 'a')).toContain(second)
      expect(expected('one', 'b')).toContain(third)
      expect(answers.filter(({ outcome }) => outcome === 'created').length).toBe(1)
    }
  })
})
