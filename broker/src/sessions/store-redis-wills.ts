import type { Will } from './store.ts'
import { decodeMessage, encodeMessage } from './store-encoding.ts'
import type { ScriptedRedis } from './store-redis-scripts.ts'

/** Last Wills in Redis: a hash for each broker. */
export class RedisWills {
  readonly #redis: ScriptedRedis
  readonly #ttlMs: number

  /** @param ttlMs how long those of a broker stay that nobody takes */
  constructor(redis: ScriptedRedis, ttlMs: number) {
    this.#redis = redis
    this.#ttlMs = ttlMs
  }

  async put(brokerId: string, clientId: string, will: Will): Promise<void> {
    await this.#redis.hset(willsKey(brokerId), clientId, encodeMessage(will))
    await this.#redis.pexpire(willsKey(brokerId), this.#ttlMs)
  }

  async remove(brokerId: string, clientId: string): Promise<void> {
    await this.#redis.hdel(willsKey(brokerId), clientId)
  }

  /** Takes all; of several takers one gets them. */
  async take(brokerId: string): Promise<{ clientId: string; will: Will }[]> {
    const fields = await this.#redis.telltaleTakeBuffer(willsKey(brokerId))
    const clientIds = fields.filter((_, i) => i % 2 === 0)
    return clientIds.map((clientId, i) => ({
      clientId: clientId.toString(),
      will: decodeMessage(fields[2 * i + 1] as Buffer),
    }))
  }
}

function willsKey(brokerId: string): string {
  return `wills:${brokerId}`
}
