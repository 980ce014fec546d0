import type { Subscription, Target } from './store.ts'
import { QueueIndex } from './store-queue.ts'
import { TopicTree } from './topic-tree.ts'

export interface LocalSession {
  /** Stands for the client id in keys on disk. */
  number: number
  clientId: string
  subscriptions: Map<string, 0 | 1 | 2>
  queue: QueueIndex
  /** QoS 2 packet ids that came in. */
  received: Set<number>
  /** By the wall clock, because it outlives the process. */
  idleSinceMs: number | undefined
}

/** The sessions of one broker, in memory, without queued messages: what the memory and embedded stores share. */
export class LocalSessions {
  readonly #sessions = new Map<string, LocalSession>()
  readonly #tree = new TopicTree<string, Target>()
  #lastNumber = 0

  open(clientId: string): { session: LocalSession; isPresent: boolean } {
    const present = this.#sessions.get(clientId)
    const session = present ?? this.restore({ number: this.#lastNumber + 1, clientId, subscriptions: [] })
    session.idleSinceMs = undefined
    return { session, isPresent: present !== undefined }
  }

  restore(stored: { number: number; clientId: string; subscriptions: Subscription[] }): LocalSession {
    const session: LocalSession = {
      number: stored.number,
      clientId: stored.clientId,
      subscriptions: new Map(),
      queue: new QueueIndex(),
      received: new Set(),
      idleSinceMs: undefined,
    }
    this.#lastNumber = Math.max(this.#lastNumber, stored.number)
    this.#sessions.set(stored.clientId, session)
    this.subscribe(session, stored.subscriptions)
    return session
  }

  get(clientId: string): LocalSession | undefined {
    return this.#sessions.get(clientId)
  }

  /** For what only makes sense after `open`. */
  opened(clientId: string): LocalSession {
    const session = this.#sessions.get(clientId)
    if (!session) throw new Error('there is no such session: it was removed meanwhile')
    return session
  }

  remove(clientId: string): LocalSession | undefined {
    const session = this.#sessions.get(clientId)
    if (!session) return undefined
    this.unsubscribe(session, [...session.subscriptions.keys()])
    this.#sessions.delete(clientId)
    return session
  }

  list(prefix: string): string[] {
    return [...this.#sessions.keys()].filter((clientId) => clientId.startsWith(prefix))
  }

  /** Those with this prefix beyond `count` that have been idle longest. */
  idlest(prefix: string, count: number): string[] {
    const mine = this.list(prefix)
    const idle = mine
      .map((clientId) => ({ clientId, sinceMs: this.#sessions.get(clientId)?.idleSinceMs }))
      .filter(({ sinceMs }) => sinceMs !== undefined)
      .sort((a, b) => Number(a.sinceMs) - Number(b.sinceMs))
    return idle.slice(0, Math.max(0, mine.length - count)).map(({ clientId }) => clientId)
  }

  idleFor(idleMs: number): string[] {
    const untilMs = Date.now() - idleMs
    const idle = [...this.#sessions.values()].filter(
      ({ idleSinceMs }) => (idleSinceMs ?? Infinity) <= untilMs,
    )
    return idle.map(({ clientId }) => clientId)
  }

  subscribe(session: LocalSession, subscriptions: Subscription[]): void {
    for (const { filter, qos } of subscriptions) {
      session.subscriptions.set(filter, qos)
      if (qos === 0) this.#tree.delete(filter, session.clientId)
      else this.#tree.set(filter, session.clientId, { clientId: session.clientId, qos })
    }
  }

  unsubscribe(session: LocalSession, filters: string[]): void {
    for (const filter of filters) {
      session.subscriptions.delete(filter)
      this.#tree.delete(filter, session.clientId)
    }
  }

  get hasSubscriptions(): boolean {
    return this.#tree.size > 0
  }

  /** A session whose filters overlap once, at the highest QoS. */
  match(topic: string): Target[] {
    const found = this.#tree.match(topic)
    if (found.length < 2) return found
    const highest = new Map<string, Target>()
    for (const target of found)
      if (target.qos > (highest.get(target.clientId)?.qos ?? 0)) highest.set(target.clientId, target)
    return [...highest.values()]
  }
}

export function subscriptionsOf(session: LocalSession): Subscription[] {
  return [...session.subscriptions].map(([filter, qos]) => ({ filter, qos }))
}
