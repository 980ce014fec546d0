import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '@telltale/infra/log'
import type { Redis } from 'ioredis'
import mqemitterRedis from 'mqemitter-redis'
import type { QueueBounds, QueuedMessage, SessionStore } from './store.ts'
import { EmbeddedStore } from './store-embedded.ts'
import { MemoryStore } from './store-memory.ts'
import { RedisStore } from './store-redis.ts'
import type { ControlChannel } from './store-redis-subscriptions.ts'

/** For the tests of the stores only. */
export interface Fixture {
  store: SessionStore
  /** Another store on what this one has kept, after stopping it; the memory store has nothing. */
  reopen?: () => Promise<SessionStore>
  end: () => Promise<void>
}

export const wide: QueueBounds = { messagesMax: 1_000, bytesMax: 1_000_000 }

export async function memoryFixture(bounds: QueueBounds): Promise<Fixture> {
  const store = new MemoryStore({ bounds })
  await store.start()
  return { store, end: () => store.stop() }
}

export async function embeddedFixture(bounds: QueueBounds): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'telltale-sessions-'))
  let store = new EmbeddedStore({ folder, bounds })
  await store.start()
  return {
    store,
    reopen: async () => {
      await store.stop()
      store = new EmbeddedStore({ folder, bounds })
      await store.start()
      return store
    },
    end: async () => {
      await store.stop()
      await rm(folder, { recursive: true })
    },
  }
}

export async function redisFixture(
  url: string,
  bounds: QueueBounds,
): Promise<Fixture & { store: RedisStore }> {
  let opened = await openRedisStore(url, bounds)
  return {
    store: opened.store,
    reopen: async () => {
      await opened.end()
      opened = await openRedisStore(url, bounds)
      return opened.store
    },
    end: () => opened.end(),
  }
}

async function openRedisStore(url: string, bounds: QueueBounds) {
  const { control, close } = createControl(url)
  const log = createLog('test', 'silent')
  const store = new RedisStore({ url, control, bounds, expiryMs: 60_000, log })
  await store.start()
  const end = async () => {
    await store.stop()
    await close()
  }
  return { store, end }
}

/** As the broker makes it: messages reach its listeners through Redis only. */
export function createControl(url: string): { control: ControlChannel; close: () => Promise<void> } {
  const emitter = mqemitterRedis({ connectionString: url })
  emitter.state.on('error', () => {})
  const connections = emitter as unknown as { subConn: Redis; pubConn: Redis }
  return {
    control: {
      publish: (topic, payload) =>
        new Promise((resolve, reject) => {
          emitter.emit({ topic, payload }, (error?: Error | null) => (error ? reject(error) : resolve()))
        }),
      subscribe: async (topic, listener) => {
        // Before that, ioredis may lose the subscription without an error: its ready check comes too late.
        const { subConn } = connections
        if (subConn.status !== 'ready') await once(subConn, 'ready')
        return new Promise((resolve) => {
          const heard = (packet: { topic: string; payload: Buffer }, done: () => void) => {
            listener(packet.topic, packet.payload)
            done()
          }
          emitter.on(topic, heard as never, resolve)
        })
      },
    },
    close: async () => {
      // Its own `close` waits for a Redis that may be away.
      for (const connection of [connections.subConn, connections.pubConn]) connection.disconnect()
    },
  }
}

export function message(text: string, changes: Partial<QueuedMessage> = {}): QueuedMessage {
  return { topic: 'a/b', payload: Buffer.from(text), qos: 1, retain: false, ...changes }
}

export async function texts(store: SessionStore, clientId: string): Promise<string[]> {
  return (await store.read(clientId, undefined, 1_000)).map(({ payload }) => payload.toString())
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
