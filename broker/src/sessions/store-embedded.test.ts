import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EmbeddedStore } from './store-embedded.ts'
import { collected, message, texts, wide } from './store-fixtures.ts'

const bounds = { messagesMax: 100_000, bytesMax: 100_000_000 }
const ACKNOWLEDGED_MIN = 200
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'telltale-sessions-'))
})

afterEach(() => rm(folder, { recursive: true }))

/** Enqueues, retains and keeps packet ids for ever, and tells the parent each number that is stored. */
const endlessWriter = `
  import { EmbeddedStore } from './store-embedded.ts'
  const store = new EmbeddedStore({ folder: process.argv[2], bounds: ${JSON.stringify(bounds)} })
  await store.start()
  await store.open('p/a')
  await store.subscribe('p/a', [{ filter: 'a/+', qos: 2 }])
  for (let n = 1; ; n++) {
    const payload = Buffer.from(String(n))
    await Promise.all([
      store.enqueue([{ clientId: 'p/a', qos: 2 }], { topic: 'a/b', payload, qos: 2, retain: false }),
      store.retain({ topic: 'a/b', payload, qos: 1 }),
      store.keepReceived('p/a', n % 60_000),
    ])
    await new Promise((resolve) => process.send(n, resolve))
  }`

it('M-STORE-12 what was acknowledged before kill -9 is there after, in order', async () => {
  const outfile = join(folder, 'writer.mjs')
  await build({
    stdin: {
      contents: endlessWriter,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    external: ['classic-level'],
    plugins: [classicLevelHere],
  })
  const data = join(folder, 'sessions')
  const writer = fork(outfile, [data])
  const exited = once(writer, 'exit')
  let acknowledged = 0
  writer.on('message', (n) => {
    acknowledged = Number(n)
    if (acknowledged === ACKNOWLEDGED_MIN) writer.kill('SIGKILL')
  })
  await exited
  expect(acknowledged).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN)
  const store = new EmbeddedStore({ folder: data, bounds })
  await store.start()
  const entries = await store.read('p/a', undefined, 100_000)
  // Those on their way when it was killed may be there as well.
  expect(entries.length).toBeGreaterThanOrEqual(acknowledged)
  expect(entries.map(({ payload }) => Number(payload))).toEqual(entries.map((_, i) => i + 1))
  const [retained] = await collected(store.retained(['a/b']))
  expect(Number(retained?.payload)).toBeGreaterThanOrEqual(acknowledged)
  expect(await store.isReceived('p/a', acknowledged)).toBe(true)
  expect(await store.match('a/b')).toEqual([{ clientId: 'p/a', qos: 2 }])
  expect(await store.expire(3_600_000)).toEqual([])
  expect(await store.expire(0)).toEqual(['p/a'])
  await store.stop()
})

/** The bundle lies in a temporary folder: its one native dependency is taken from here. */
const classicLevelHere = {
  name: 'classic-level-here',
  setup(builder: { onResolve: (filter: { filter: RegExp }, resolve: () => object) => void }) {
    const path = import.meta.resolve('classic-level')
    builder.onResolve({ filter: /^classic-level$/ }, () => ({ path, external: true }))
  },
}

it('M-STORE-13 a second process on the same folder is told so', async () => {
  const first = new EmbeddedStore({ folder, bounds: wide })
  await first.start()
  await expect(new EmbeddedStore({ folder, bounds: wide }).start()).rejects.toThrow(`${folder} are in use`)
  await first.stop()
})

it('M-STORE-14 messages enqueued together keep their order over restarts, whatever was settled between', async () => {
  const targets = [{ clientId: 'a', qos: 1 as const }]
  let expected: string[] = []
  for (let round = 0; round < 3; round++) {
    const store = new EmbeddedStore({ folder, bounds: wide })
    await store.start()
    await store.open('a')
    const added = Array.from({ length: 60 }, (_, i) => `${round}-${i}`)
    await Promise.all(added.map((text) => store.enqueue(targets, message(text))))
    expected = [...expected, ...added]
    for (const { id } of await store.read('a', undefined, 40)) await store.settled('a', id)
    expected = expected.slice(40)
    expect(await texts(store, 'a')).toEqual(expected)
    await store.stop()
  }
})
