import type { Logger } from '@telltale/infra/log'
import type {
  Drop,
  QueueBounds,
  QueuedMessage,
  QueueEntry,
  RetainedMessage,
  SessionStore,
  Subscription,
  Target,
} from './store.ts'
import { connectRedis } from './store-redis-connection.ts'
import { libraryKeys } from './store-redis-library.ts'
import { queueKeys, RedisQueues } from './store-redis-queue.ts'
import { RedisRetained } from './store-redis-retained.ts'
import type { ScriptedRedis } from './store-redis-scripts.ts'
import { type ControlChannel, RedisSubscriptions } from './store-redis-subscriptions.ts'
import { RedisWills } from './store-redis-wills.ts'

/**
 * All sessions, by when their idle time begins. That of an open session lies ahead: its broker moves it on, so a
 * session whose broker was killed becomes idle by itself.
 */
const SESSIONS = 'sessions'
const LEASE_MS_MAX = 3_600_000
/** Sessions looked after in one go. */
const SESSIONS_AT_ONCE = 500

export interface RedisStoreOptions {
  url: string
  control: ControlChannel
  bounds: QueueBounds
  /** When idle sessions are removed by `expire`; their keys end by themselves a little later if nobody calls it. */
  expiryMs: number
  log: Logger
}

/** Sessions of several brokers in one Redis. Needs Redis 6.2 or later. */
export class RedisStore implements SessionStore {
  readonly #redis: ScriptedRedis
  readonly #subscriptions: RedisSubscriptions
  readonly #queues: RedisQueues
  readonly #retained: RedisRetained
  readonly #wills: RedisWills
  /** Open here, with their subscriptions: what an emptied Redis gets back. */
  readonly #open = new Map<string, Map<string, 0 | 1 | 2>>()
  readonly #leaseMs: number
  readonly #ttlMs: number
  #renewedAtMs = 0
  readonly #onClose = () => this.#subscriptions.markStale()
  readonly #onReady = () => void this.reload()

  constructor({ url, control, bounds, expiryMs, log }: RedisStoreOptions) {
    this.#leaseMs = Math.min(Math.ceil(expiryMs / 4), LEASE_MS_MAX)
    this.#ttlMs = expiryMs + 2 * this.#leaseMs
    this.#redis = connectRedis(url, log)
    this.#subscriptions = new RedisSubscriptions({
      redis: this.#redis,
      control,
      log,
      beforeReload: () => this.#putBack(),
    })
    this.#queues = new RedisQueues(this.#redis, { bounds, ttlMs: this.#ttlMs })
    this.#retained = new RedisRetained(this.#redis)
    this.#wills = new RedisWills(this.#redis, this.#ttlMs)
  }

  /** @throws when Redis is away; may be called again */
  async start(): Promise<void> {
    try {
      await this.#redis.connect()
      this.#redis.on('close', this.#onClose).on('ready', this.#onReady)
      await this.#subscriptions.start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#redis.off('close', this.#onClose).off('ready', this.#onReady)
    await this.#subscriptions.stop()
    this.#redis.disconnect()
  }

  /** To be called whenever the control channel may have missed messages, as after its connection broke. */
  async reload(): Promise<void> {
    await this.#subscriptions.reload()
  }

  async open(clientId: string): Promise<{ isPresent: boolean; subscriptions: Subscription[] }> {
    const isNew = (await this.#redis.zadd(SESSIONS, Date.now() + this.#leaseMs, clientId)) > 0
    // A message on its way while the former session was removed may have left something.
    if (isNew) {
      await this.#forgetKeys(clientId)
      await this.#redis.sadd(ownerKey(clientId), clientId)
    }
    const subscriptions = await this.#subscriptions.of(clientId)
    await this.#keepAlive([clientId])
    this.#open.set(clientId, new Map(subscriptions.map(({ filter, qos }) => [filter, qos])))
    return { isPresent: !isNew, subscriptions }
  }

  async leave(clientId: string): Promise<void> {
    this.#open.delete(clientId)
    await this.#redis.zadd(SESSIONS, 'XX', Date.now(), clientId)
    await this.#keepAlive([clientId])
  }

  async remove(clientId: string): Promise<void> {
    await this.#remove(clientId)
  }

  async list(prefix: string): Promise<string[]> {
    const found = new Set<string>()
    let cursor = '0'
    do {
      const [next, members] = await this.#redis.zscan(SESSIONS, cursor, 'COUNT', SESSIONS_AT_ONCE)
      for (const [i, member] of members.entries())
        if (i % 2 === 0 && member.startsWith(prefix)) found.add(member)
      cursor = next
    } while (cursor !== '0')
    return [...found]
  }

  async trim(prefix: string, count: number): Promise<string[]> {
    const mine = await this.#redis.smembers(ownerKey(prefix))
    if (mine.length <= count) return []
    const scores = await this.#redis.zmscore(SESSIONS, ...mine)
    // Of an open session the score is its lease, in the time to come.
    const idle = mine
      .map((clientId, i) => ({ clientId, idleSinceMs: Number(scores[i] ?? 0) }))
      .filter(({ idleSinceMs }) => idleSinceMs <= Date.now())
      .sort((a, b) => a.idleSinceMs - b.idleSinceMs)
    const removed = idle.slice(0, mine.length - count).map(({ clientId }) => clientId)
    for (const clientId of removed) await this.#remove(clientId)
    return removed
  }

  async expire(idleMs: number): Promise<string[]> {
    await this.#renew()
    const idle = await this.#redis.zrangebyscore(SESSIONS, '-inf', Date.now() - idleMs)
    const removed: string[] = []
    // Of several brokers that find it idle, the one that took it out of the index says so.
    for (const clientId of idle) if (await this.#remove(clientId)) removed.push(clientId)
    return removed
  }

  get hasSubscriptions(): boolean {
    return this.#subscriptions.hasAny
  }

  async subscribe(clientId: string, subscriptions: Subscription[]): Promise<void> {
    await this.#subscriptions.add(clientId, subscriptions)
    await this.#redis.pexpire(libraryKeys.subscriptions(clientId), this.#ttlMs)
    for (const { filter, qos } of subscriptions) this.#open.get(clientId)?.set(filter, qos)
  }

  async unsubscribe(clientId: string, filters: string[]): Promise<void> {
    await this.#subscriptions.remove(clientId, filters)
    for (const filter of filters) this.#open.get(clientId)?.delete(filter)
  }

  async match(topic: string): Promise<Target[]> {
    return this.#subscriptions.match(topic)
  }

  enqueue(targets: Target[], message: QueuedMessage): Promise<Drop[]> {
    return this.#queues.enqueue(targets, message)
  }

  read(clientId: string, after: string | undefined, count: number): Promise<QueueEntry[]> {
    return this.#queues.read(clientId, after, count)
  }

  sending(clientId: string, sent: { entryId: string; packetId: number }[]): Promise<void> {
    return this.#queues.sending(clientId, sent)
  }

  released(clientId: string, entryId: string): Promise<void> {
    return this.#queues.released(clientId, entryId)
  }

  settled(clientId: string, entryId: string): Promise<void> {
    return this.#queues.settled(clientId, entryId)
  }

  queueSize(clientId: string): Promise<{ messages: number; bytes: number }> {
    return this.#queues.size(clientId)
  }

  retain(message: RetainedMessage): Promise<void> {
    return this.#retained.store(message)
  }

  retained(filters: string[]): AsyncIterable<RetainedMessage> {
    return this.#retained.find(filters)
  }

  retainedCount(topic: string): Promise<number> {
    return this.#retained.count(topic)
  }

  async retainedTotal(): Promise<{ messages: number; bytes: number }> {
    return { messages: await this.#retained.groupCount(), bytes: 0 }
  }

  forgetRetained(topic: string): Promise<void> {
    return this.#retained.forget(topic)
  }

  async keepReceived(clientId: string, packetId: number): Promise<void> {
    await this.#subscriptions.library.incomingStorePacket({ id: clientId }, { messageId: packetId })
    await this.#redis.pexpire(libraryKeys.received(clientId), this.#ttlMs)
  }

  async isReceived(clientId: string, packetId: number): Promise<boolean> {
    try {
      await this.#subscriptions.library.incomingGetPacket({ id: clientId }, { messageId: packetId })
      return true
    } catch (error) {
      if (error instanceof Error && error.message === 'no such packet') return false
      throw error
    }
  }

  async forgetReceived(clientId: string, packetId: number): Promise<void> {
    await this.#subscriptions.library.incomingDelPacket({ id: clientId }, { messageId: packetId })
  }

  readonly putWill: SessionStore['putWill'] = (...will) => this.#wills.put(...will)
  readonly removeWill: SessionStore['removeWill'] = (...client) => this.#wills.remove(...client)
  readonly takeWills: SessionStore['takeWills'] = (brokerId) => this.#wills.take(brokerId)

  /** Subscriptions first, so that no message comes to what is removed after. @returns whether there was one */
  async #remove(clientId: string): Promise<boolean> {
    const known = [...(this.#open.get(clientId)?.keys() ?? [])]
    const stored = (await this.#subscriptions.of(clientId)).map(({ filter }) => filter)
    await this.#subscriptions.remove(clientId, [...new Set([...known, ...stored])])
    await this.#forgetKeys(clientId)
    this.#open.delete(clientId)
    await this.#redis.srem(ownerKey(clientId), clientId)
    return (await this.#redis.zrem(SESSIONS, clientId)) > 0
  }

  async #forgetKeys(clientId: string): Promise<void> {
    await this.#redis.del(...queueKeys(clientId))
    await this.#subscriptions.library.cleanIncoming({ id: clientId })
  }

  /** Each key of a session ends by itself: the net under a broker that ends for ever. */
  async #keepAlive(clientIds: string[]): Promise<void> {
    const keys = clientIds.flatMap((clientId) => [
      ownerKey(clientId),
      ...queueKeys(clientId),
      libraryKeys.subscriptions(clientId),
      libraryKeys.received(clientId),
    ])
    await Promise.all(keys.map((key) => this.#redis.pexpire(key, this.#ttlMs)))
  }

  /** Moves the idle time of sessions open here on, in time before their lease ends. */
  async #renew(): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - this.#renewedAtMs < this.#leaseMs / 2) return
    const isAllThere = await this.#renewNow()
    this.#renewedAtMs = nowMs
    // Emptied by somebody without our noticing.
    if (!isAllThere) await this.reload()
  }

  async #renewNow(): Promise<boolean> {
    const clientIds = [...this.#open.keys()]
    let missing = 0
    for (let i = 0; i < clientIds.length; i += SESSIONS_AT_ONCE) {
      const some = clientIds.slice(i, i + SESSIONS_AT_ONCE)
      const idleFromMs = Date.now() + this.#leaseMs
      missing += await this.#redis.zadd(SESSIONS, ...some.flatMap((clientId) => [idleFromMs, clientId]))
      await this.#keepAlive(some)
    }
    return missing === 0
  }

  /** What Redis lost of the sessions open here: their place in the index and their subscriptions. */
  async #putBack(): Promise<void> {
    await this.#renewNow()
    for (const [clientId, filters] of this.#open) {
      const subscriptions = [...filters].map(([filter, qos]) => ({ filter, qos }))
      if (subscriptions.length === 0) continue
      if ((await this.#redis.exists(libraryKeys.subscriptions(clientId))) === 0)
        await this.subscribe(clientId, subscriptions)
    }
  }
}

/** The sessions of one principal: what stands before the first slash of their client ids. */
function ownerKey(clientId: string): string {
  return `owner:${clientId.split('/', 1)[0]}`
}
