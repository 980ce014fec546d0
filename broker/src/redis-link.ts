import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { StartError } from '@telltale/infra/service'
import { Redis } from 'ioredis'
import mqemitterRedis, { type RedisEmitter } from 'mqemitter-redis'

export interface RedisMessage {
  topic: string
  [key: string]: unknown
}

/** Messages over Redis' channels (mqemitter-redis), among brokers. */
export class RedisLink {
  readonly #publishing: Redis
  readonly #listening: Redis
  readonly #emitter: RedisEmitter
  readonly #log: Logger

  constructor({ url, log }: { url: string; log: Logger }) {
    this.#log = log
    // What cannot be sent now is not kept: subscribers elsewhere with a stored session have it in their queues.
    const shared = { lazyConnect: true, maxRetriesPerRequest: null }
    this.#publishing = new Redis(url, { ...shared, enableOfflineQueue: false })
    this.#listening = new Redis(url, shared)
    this.#emitter = mqemitterRedis({ pubConn: this.#publishing, subConn: this.#listening })
  }

  /** @throws StartError when Redis does not answer */
  async connect(): Promise<void> {
    let lastLogMs = Number.NEGATIVE_INFINITY
    let last: Error | undefined
    this.#emitter.state.on('error', (err: Error) => {
      last = err
      if (performance.now() - lastLogMs < limits.cluster.logEveryMs) return
      lastLogMs = performance.now()
      this.#log.warn({ err }, 'Redis is away: messages do not reach other brokers')
    })
    const connected = Promise.all([this.#publishing.connect(), this.#listening.connect()])
    await answeredInTime(connected).catch((error: Error) => {
      // That of a connection says why, that of `connect` only that it failed.
      throw new StartError(`Redis (TELLTALE_REDIS_URL) does not answer: ${(last ?? error).message}`)
    })
  }

  /** Resolves when subscribed. */
  listen(topic: string, listener: (message: RedisMessage) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#emitter.on(
        topic,
        (message, done) => {
          listener(message)
          done()
        },
        resolve,
      )
    })
  }

  /** `done` is called with an error at once while Redis is away. */
  emit(message: RedisMessage, done: (error?: Error | null) => void = () => {}): void {
    this.#emitter.emit(message, done)
  }

  async listenerCount(topic: string): Promise<number> {
    const [, count] = (await this.#publishing.pubsub('NUMSUB', topic)) as [string, number]
    return count
  }

  /** Called whenever messages may have been missed, because the connection was away. */
  onBack(listener: () => void): void {
    this.#listening.on('ready', listener)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#emitter.close(resolve))
    // While Redis is away its QUIT is never answered.
    const timer = setTimeout(() => {
      this.#publishing.disconnect()
      this.#listening.disconnect()
    }, limits.cluster.stopMs)
    await closed
    clearTimeout(timer)
  }
}

/** One that takes connections and says nothing, frozen for example, would hold the start up without a word. */
async function answeredInTime(connected: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const silent = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error('it takes connections and is silent')),
      limits.cluster.connectMs,
    )
  })
  await Promise.race([connected, silent]).finally(() => clearTimeout(timer))
}
