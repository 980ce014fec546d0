import type { Drop, QueueBounds, QueuedMessage, QueueEntry, Target } from './store.ts'
import { decodeQueued, encodedByQos } from './store-encoding.ts'
import type { ScriptedRedis } from './store-redis-scripts.ts'

/** Queues in Redis; how they are kept stands in store-redis-scripts.ts. */
export class RedisQueues {
  readonly #redis: ScriptedRedis
  readonly #bounds: QueueBounds
  readonly #ttlMs: number

  constructor(redis: ScriptedRedis, { bounds, ttlMs }: { bounds: QueueBounds; ttlMs: number }) {
    this.#redis = redis
    this.#bounds = bounds
    this.#ttlMs = ttlMs
  }

  async enqueue(targets: Target[], message: QueuedMessage): Promise<Drop[]> {
    const { messagesMax, bytesMax } = this.#bounds
    const encoded = encodedByQos(message)
    // Sent one behind the other without waiting. If one fails all are repeated: twice is allowed, lost is not.
    const drops = targets.map(async ({ clientId, qos }) => {
      const args = [encoded(qos), messagesMax, bytesMax, this.#ttlMs]
      const dropped = await this.#redis.telltaleEnqueue(...queueKeys(clientId), ...args)
      return { clientId, dropped: Number(dropped) }
    })
    return (await Promise.all(drops)).filter(({ dropped }) => dropped > 0)
  }

  async read(clientId: string, after: string | undefined, count: number): Promise<QueueEntry[]> {
    const from = after === undefined ? '-' : `(${after}`
    const found = await this.#redis.telltaleReadBuffer(...queueKeys(clientId), from, count)
    return found.map(([id, message, packetId]) => ({
      ...decodeQueued(message),
      ...(packetId && toInFlight(Number(packetId.toString()))),
      id: id.toString(),
    }))
  }

  async sending(clientId: string, sent: { entryId: string; packetId: number }[]): Promise<void> {
    const args = sent.flatMap(({ entryId, packetId }) => [entryId, packetId])
    if (args.length > 0) await this.#redis.telltaleSending(...queueKeys(clientId), ...args)
  }

  async released(clientId: string, entryId: string): Promise<void> {
    await this.#redis.telltaleReleased(queueKeys(clientId)[1], entryId)
  }

  async settled(clientId: string, entryId: string): Promise<void> {
    await this.#redis.telltaleSettled(...queueKeys(clientId), entryId)
  }

  async size(clientId: string): Promise<{ messages: number; bytes: number }> {
    const [queue, inFlight] = queueKeys(clientId)
    const [messages, bytes] = await Promise.all([
      this.#redis.xlen(queue),
      this.#redis.hget(inFlight, 'bytes'),
    ])
    return { messages, bytes: Number(bytes ?? 0) }
  }
}

export function queueKeys(clientId: string): [queue: string, inFlight: string] {
  return [`queue:${clientId}`, `flight:${clientId}`]
}

function toInFlight(packetId: number): Pick<QueueEntry, 'packetId' | 'isReleased'> {
  return { packetId: Math.abs(packetId), isReleased: packetId < 0 }
}
