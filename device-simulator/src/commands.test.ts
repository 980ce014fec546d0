import type { ReplyPayload } from '@telltale/broker/contract'
import { describe, expect, test } from 'vitest'
import { createCommandRunner, numberParam, onParam, setter } from './commands.ts'
import * as limits from './limits.ts'
import { planFleet } from './profiles/index.ts'

const ID = '6f1c9a52-3f0e-4c7b-9a51-0d6a7f2f1b11'

function bench(options: { wait?: () => Promise<boolean>; sabotage?: string } = {}) {
  const replies: { id: string; reply: ReplyPayload }[] = []
  const executed: unknown[] = []
  const runner = createCommandRunner({
    handlers: {
      'set-led': setter(onParam, (on) => {
        executed.push(on)
        return { on }
      }),
      defrost: () => ({
        takesMs: 4_000,
        progressSteps: 3,
        finish: () => ({ status: 'succeeded', result: 'done' }),
      }),
    },
    now: () => 1_764_000_000_000,
    wait: options.wait ?? (async () => true),
    reply: (id, reply) => replies.push({ id, reply }),
    sabotage: () => options.sabotage,
  })
  const take = (command: unknown, id = ID) => runner.take(id, JSON.stringify(command))
  return { runner, take, replies, executed, statuses: () => replies.map(({ reply }) => reply.status) }
}

describe('commands', () => {
  test('are accepted, executed and answered', async () => {
    const { take, replies, executed } = bench()
    await take({ name: 'set-led', params: { on: true }, sentAt: 1, ttlMs: 30_000 })
    expect(executed).toEqual([true])
    expect(replies).toEqual([
      { id: ID, reply: { status: 'accepted' } },
      { id: ID, reply: { status: 'succeeded', result: { on: true } } },
    ])
  })

  test('execute once: a redelivery is answered again with the last reply', async () => {
    const { take, replies, executed, statuses } = bench()
    await take({ name: 'set-led', params: { on: true } })
    await take({ name: 'set-led', params: { on: true } })
    expect(executed).toEqual([true])
    expect(statuses()).toEqual(['accepted', 'succeeded', 'succeeded'])
    expect(replies[2]).toEqual(replies[1])
  })

  test('execute once also while the first delivery is still being executed', async () => {
    let release = (_go: boolean) => {}
    const { take, executed } = bench({ wait: () => new Promise((resolve) => (release = resolve)) })
    const first = take({ name: 'set-led', params: { on: false } })
    const second = take({ name: 'set-led', params: { on: false } })
    release(true)
    await Promise.all([first, second])
    expect(executed).toEqual([false])
  })

  test('report progress on the way', async () => {
    const { take, statuses } = bench()
    await take({ name: 'defrost' })
    expect(statuses()).toEqual(['accepted', 'progress', 'progress', 'progress', 'succeeded'])
  })

  test('are rejected when unknown, unreadable or out of range, without executing', async () => {
    const { runner, take, replies, executed } = bench()
    await take({ name: 'open-pod-bay-doors' }, 'a')
    await take({ name: 'toString' }, 'b')
    await runner.take('c', 'not json')
    await take({ name: 'set-led', params: { on: 'yes' } }, 'd')
    expect(replies.map(({ reply }) => reply)).toEqual([
      { status: 'rejected', error: 'unknown command' },
      { status: 'rejected', error: 'unknown command' },
      { status: 'rejected', error: 'unreadable command' },
      { status: 'rejected', error: 'on must be true or false' },
    ])
    expect(executed).toEqual([])
  })

  test('fail when the actuator does', async () => {
    const { take, replies, executed } = bench({ sabotage: 'motor overload' })
    await take({ name: 'set-led', params: { on: true } })
    expect(replies.at(-1)?.reply).toEqual({ status: 'failed', error: 'motor overload' })
    expect(executed).toEqual([])
  })

  test('more at once than the bound are rejected as busy', async () => {
    const { take, statuses } = bench({ wait: () => new Promise(() => {}) })
    for (let i = 0; i <= limits.commandsAtOnceMax; i++) void take({ name: 'defrost' }, `id-${i}`)
    await Promise.resolve()
    expect(statuses().filter((status) => status === 'rejected')).toHaveLength(1)
  })

  test('of every profile change what the device measures', async () => {
    const [bay, room, pump] = planFleet({ profile: 'mixed', devices: 3, seed: 7 })
    const t = Date.UTC(2026, 4, 11, 2)
    const light = () => bay?.model.sample(t + 60_000).light as number
    const before = light()
    await execute(bay?.model.commands['set-led']?.({ on: true }), t)
    expect(light()).toBeGreaterThan(before + 150)
    await execute(room?.model.commands.defrost?.({}), t)
    expect(room?.model.sample(t + 1_000).defrost).toBe(true)
    await execute(pump?.model.commands['set-running']?.({ on: true }), t)
    expect(pump?.model.sample(t + 60_000).running).toBe(true)
    await execute(pump?.model.commands['set-running']?.({ on: false }), t + 60_000)
    expect(pump?.model.sample(t + 120_000).running).toBe(false)
  })
})

async function execute(decision: unknown, timeMs: number): Promise<void> {
  await (decision as { finish(timeMs: number): unknown }).finish(timeMs)
}

test('numberParam names the range', () => {
  const read = numberParam('rpm', 600, 2_900)
  expect(read({ rpm: 600 })).toEqual({ value: 600 })
  for (const params of [{ rpm: 599 }, { rpm: '700' }, {}, null, 7, { rpm: Number.NaN }])
    expect(read(params)).toEqual({ error: 'rpm must be a number from 600 to 2900' })
})
