import { randomUUID } from 'node:crypto'
import type { Logger } from '@telltale/infra/log'
import type { Redis } from 'ioredis'
import type { Subscription, Target } from './store.ts'
import {
  createLibrary,
  type Library,
  type LibraryListener,
  type LibraryPacket,
  libraryTopics,
} from './store-redis-library.ts'

/** Reaches all brokers on this Redis, this one included, and comes back only through Redis. */
export interface ControlChannel {
  publish(topic: string, payload: Buffer): Promise<void>
  /** Resolves when subscribed. */
  subscribe(topic: string, listener: (topic: string, payload: Buffer) => void): Promise<void>
}

/** How long a broadcast may take to come back. */
const BROADCAST_TIMEOUT_MS = 3_000
const RELOAD_PAUSE_MS = 500

/** One instance of the library with its trie. */
interface Generation {
  library: Library
  listener: LibraryListener | undefined
  /** What came while it was loading, for after. */
  early: LibraryPacket[]
  /** Changes that wait for their own message to come back to it. */
  pending: number
}

export interface SubscriptionsOptions {
  redis: Redis
  control: ControlChannel
  log: Logger
  /** Before everything is read again: puts back what an emptied Redis lost. */
  beforeReload(): Promise<void>
}

/**
 * Subscriptions of all brokers. Whenever messages may have been missed (the connection broke, a broadcast did not come
 * back), nothing is matched until a new instance of the library has read all subscriptions: a probe first proves that
 * broadcasts arrive again; what arrives while it reads is given to it after.
 */
export class RedisSubscriptions {
  readonly #options: SubscriptionsOptions
  /** The current one, the one being loaded, and those that still have changes pending. */
  readonly #generations = new Set<Generation>()
  readonly #probes = new Map<string, () => void>()
  /** Client id → its last change: the library mixes up two changes of one client at a time. */
  readonly #lastChange = new Map<string, Promise<unknown>>()
  #current: Generation | undefined
  /** How often messages may have been missed, and how often when the current generation began to read. */
  #interruptions = 1
  #interruptionsMended = 0
  #hasSeenAny = false
  #isSubscribed = false
  #isStopped = false
  #reloading: Promise<void> | undefined

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { control } = this.#options
    const listener = (topic: string, payload: Buffer) => this.#arrived(topic, payload)
    if (!this.#isSubscribed)
      await withTimeout(control.subscribe(libraryTopics.all, listener), 'subscribing to broadcasts')
    this.#isSubscribed = true
    this.#isStopped = false
    await this.#load()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#reloading
    this.#generations.clear()
  }

  get library(): Library {
    if (!this.#current) throw new Error('the session store is not started')
    return this.#current.library
  }

  /** Without any there is nothing to match, and nothing to miss; it may stay true when the last one has gone. */
  get hasAny(): boolean {
    return this.#isInterrupted || this.#hasSeenAny
  }

  /** Messages may have been missed: once Redis is back nothing is matched until all were read again. */
  markStale(): void {
    this.#interruptions++
  }

  /** Reads everything again; tries until it succeeds. */
  reload(): Promise<void> {
    this.markStale()
    this.#reloading ??= this.#reloadUntilDone().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  add(clientId: string, subscriptions: Subscription[]): Promise<void> {
    const added = subscriptions.map(({ filter, qos }) => ({ topic: filter, qos }))
    return this.#change(clientId, (library) => library.addSubscriptions({ id: clientId }, added))
  }

  async remove(clientId: string, filters: string[]): Promise<void> {
    if (filters.length === 0) return
    await this.#change(clientId, (library) => library.removeSubscriptions({ id: clientId }, filters))
  }

  async of(clientId: string): Promise<Subscription[]> {
    const stored = await this.library.subscriptionsByClient({ id: clientId })
    return stored.map(({ topic, qos }) => ({ filter: topic, qos }))
  }

  async match(topic: string): Promise<Target[]> {
    // While Redis is away nobody can subscribe, and what was known last holds. Once it is back, others may have.
    if (this.#isInterrupted && this.#options.redis.status === 'ready')
      throw new Error('Redis was away; subscriptions are being read again')
    const found = new Map<string, 1 | 2>()
    for (const { clientId, qos, topic: filter } of await this.library.subscriptionsByTopic(topic)) {
      // The library lets wildcards match system topics ([MQTT-4.7.2-1]).
      if (qos === 0 || (topic.startsWith('$') && !filter.startsWith('$'))) continue
      if (qos > (found.get(clientId) ?? 0)) found.set(clientId, qos)
    }
    return [...found].map(([clientId, qos]) => ({ clientId, qos }))
  }

  get #isInterrupted(): boolean {
    return this.#interruptionsMended < this.#interruptions
  }

  async #change(clientId: string, change: (library: Library) => Promise<void>): Promise<void> {
    const before = this.#lastChange.get(clientId)
    const mine = (before ?? Promise.resolve()).catch(() => {}).then(() => this.#changeNow(change))
    this.#lastChange.set(clientId, mine)
    try {
      await mine
    } finally {
      if (this.#lastChange.get(clientId) === mine) this.#lastChange.delete(clientId)
    }
  }

  async #changeNow(change: (library: Library) => Promise<void>): Promise<void> {
    const generation = this.#current
    if (!generation) throw new Error('the session store is not started')
    generation.pending++
    try {
      await withTimeout(change(generation.library), 'telling the other brokers of a subscription')
    } catch (error) {
      // Others may not know of it, or we not of theirs. A new instance also forgets what the old one waits for.
      void this.reload()
      throw error
    } finally {
      generation.pending--
      this.#forgetOld()
    }
  }

  #arrived(topic: string, payload: Buffer): void {
    if (topic === libraryTopics.probe) {
      this.#probes.get(payload.toString())?.()
      return
    }
    this.#hasSeenAny = true
    for (const { listener, early } of this.#generations)
      if (listener) listener({ topic, payload }, () => {})
      else early.push({ topic, payload })
  }

  async #reloadUntilDone(): Promise<void> {
    while (!this.#isStopped && this.#isInterrupted) {
      try {
        await this.#options.beforeReload()
        await this.#load()
      } catch (error) {
        this.#options.log.debug({ err: error }, 'reading subscriptions again failed')
        await new Promise((resolve) => setTimeout(resolve, RELOAD_PAUSE_MS))
      }
    }
  }

  async #load(): Promise<void> {
    const interruptions = this.#interruptions
    await this.#probe()
    const library = createLibrary(this.#options.redis)
    const generation: Generation = { library, listener: undefined, early: [], pending: 0 }
    this.#generations.add(generation)
    // What arrives from here on sets it again.
    this.#hasSeenAny = false
    try {
      await library.setup(this.#adapter(generation))
      const { subsCount } = await library.countOffline()
      this.#hasSeenAny ||= subsCount > 0
    } catch (error) {
      this.#generations.delete(generation)
      throw error
    }
    this.#current = generation
    // Interrupted again while we read: then this one has to be read again too.
    this.#interruptionsMended = interruptions
    this.#forgetOld()
  }

  /** @throws when a message to all brokers does not come back to this one */
  async #probe(): Promise<void> {
    const id = randomUUID()
    const back = new Promise<void>((resolve) => this.#probes.set(id, resolve))
    try {
      const sent = this.#options.control.publish(libraryTopics.probe, Buffer.from(id))
      await withTimeout(Promise.all([back, sent]), 'a message to all brokers')
    } finally {
      this.#probes.delete(id)
    }
  }

  #adapter(generation: Generation) {
    const { control } = this.#options
    return {
      id: randomUUID(),
      publish: ({ topic, payload }: LibraryPacket, done: (error?: Error) => void) => {
        control.publish(topic, Buffer.from(payload)).then(() => done(), done)
      },
      subscribe: (_topic: string, listener: LibraryListener, done: () => void) => {
        generation.listener = listener
        for (const packet of generation.early) listener(packet, () => {})
        generation.early = []
        done()
      },
      unsubscribe: (_topic: string, _listener: LibraryListener, done: () => void) => done(),
    }
  }

  #forgetOld(): void {
    for (const generation of this.#generations)
      if (generation.pending === 0 && generation.listener && generation !== this.#current)
        this.#generations.delete(generation)
  }
}

async function withTimeout<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const why = `${what} got no answer within ${BROADCAST_TIMEOUT_MS} ms`
    timer = setTimeout(() => reject(new Error(why)), BROADCAST_TIMEOUT_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
