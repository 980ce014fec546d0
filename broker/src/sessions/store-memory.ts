import type {
  Drop,
  QueueBounds,
  QueuedMessage,
  QueueEntry,
  RetainedMessage,
  SessionStore,
  Subscription,
  Target,
  Will,
} from './store.ts'
import { lowerQos, storedBytes } from './store-encoding.ts'
import { type LocalSession, LocalSessions, subscriptionsOf } from './store-local.ts'
import { RetainedMessages } from './store-retained.ts'

/** Sessions that end with the process. */
export class MemoryStore implements SessionStore {
  readonly #bounds: QueueBounds
  readonly #sessions = new LocalSessions()
  readonly #messages = new WeakMap<LocalSession, Map<number, QueuedMessage>>()
  readonly #retained = new RetainedMessages()
  /** Broker id → client id → will. */
  readonly #wills = new Map<string, Map<string, Will>>()

  constructor({ bounds }: { bounds: QueueBounds }) {
    this.#bounds = bounds
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async open(clientId: string): Promise<{ isPresent: boolean; subscriptions: Subscription[] }> {
    const { session, isPresent } = this.#sessions.open(clientId)
    return { isPresent, subscriptions: subscriptionsOf(session) }
  }

  async leave(clientId: string): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (session) session.idleSinceMs = Date.now()
  }

  async remove(clientId: string): Promise<void> {
    this.#sessions.remove(clientId)
  }

  async list(prefix: string): Promise<string[]> {
    return this.#sessions.list(prefix)
  }

  async trim(prefix: string, count: number): Promise<string[]> {
    const removed = this.#sessions.idlest(prefix, count)
    for (const clientId of removed) await this.remove(clientId)
    return removed
  }

  async expire(idleMs: number): Promise<string[]> {
    const idle = this.#sessions.idleFor(idleMs)
    for (const clientId of idle) this.#sessions.remove(clientId)
    return idle
  }

  get hasSubscriptions(): boolean {
    return this.#sessions.hasSubscriptions
  }

  async subscribe(clientId: string, subscriptions: Subscription[]): Promise<void> {
    this.#sessions.subscribe(this.#sessions.opened(clientId), subscriptions)
  }

  async unsubscribe(clientId: string, filters: string[]): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (session) this.#sessions.unsubscribe(session, filters)
  }

  async match(topic: string): Promise<Target[]> {
    return this.#sessions.match(topic)
  }

  async enqueue(targets: Target[], message: QueuedMessage): Promise<Drop[]> {
    const drops: Drop[] = []
    // A copy for all targets: the payload is a slice of whatever the socket delivered, and would keep all of it.
    const kept = { ...message, payload: Buffer.from(message.payload) }
    for (const { clientId, qos } of targets) {
      const session = this.#sessions.get(clientId)
      if (!session) continue
      const messages = this.#messagesOf(session)
      const id = session.queue.add(storedBytes(message))
      messages.set(id, { ...kept, qos: lowerQos(qos, message.qos) })
      const trimmed = session.queue.trim(this.#bounds)
      for (const { id } of trimmed) messages.delete(id)
      if (trimmed.length > 0) drops.push({ clientId, dropped: trimmed.length })
    }
    return drops
  }

  async read(clientId: string, after: string | undefined, count: number): Promise<QueueEntry[]> {
    const session = this.#sessions.get(clientId)
    if (!session) return []
    const messages = this.#messagesOf(session)
    return session.queue.behind(Number(after ?? 0), count).map((id) => ({
      ...(messages.get(id) as QueuedMessage),
      ...session.queue.inFlight(id),
      id: String(id),
    }))
  }

  async sending(clientId: string, sent: { entryId: string; packetId: number }[]): Promise<void> {
    const queue = this.#sessions.get(clientId)?.queue
    for (const { entryId, packetId } of sent)
      queue?.setInFlight(Number(entryId), { packetId, isReleased: false })
  }

  async released(clientId: string, entryId: string): Promise<void> {
    const queue = this.#sessions.get(clientId)?.queue
    const inFlight = queue?.inFlight(Number(entryId))
    if (inFlight) inFlight.isReleased = true
  }

  async settled(clientId: string, entryId: string): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (session?.queue.remove(Number(entryId))) this.#messagesOf(session).delete(Number(entryId))
  }

  async queueSize(clientId: string): Promise<{ messages: number; bytes: number }> {
    const { messages = 0, bytes = 0 } = this.#sessions.get(clientId)?.queue ?? {}
    return { messages, bytes }
  }

  async retain(message: RetainedMessage): Promise<void> {
    this.#retained.store(message)
  }

  async *retained(filters: string[]): AsyncGenerator<RetainedMessage> {
    yield* this.#retained.find(filters)
  }

  async retainedCount(topic: string): Promise<number> {
    return this.#retained.count(topic)
  }

  async retainedTotal(): Promise<{ messages: number; bytes: number }> {
    return this.#retained.total
  }

  async forgetRetained(topic: string): Promise<void> {
    this.#retained.forget(topic)
  }

  async keepReceived(clientId: string, packetId: number): Promise<void> {
    this.#sessions.get(clientId)?.received.add(packetId)
  }

  async isReceived(clientId: string, packetId: number): Promise<boolean> {
    return this.#sessions.get(clientId)?.received.has(packetId) ?? false
  }

  async forgetReceived(clientId: string, packetId: number): Promise<void> {
    this.#sessions.get(clientId)?.received.delete(packetId)
  }

  async putWill(brokerId: string, clientId: string, will: Will): Promise<void> {
    const wills = this.#wills.get(brokerId) ?? new Map<string, Will>()
    this.#wills.set(brokerId, wills.set(clientId, will))
  }

  async removeWill(brokerId: string, clientId: string): Promise<void> {
    this.#wills.get(brokerId)?.delete(clientId)
  }

  async takeWills(brokerId: string): Promise<{ clientId: string; will: Will }[]> {
    const wills = [...(this.#wills.get(brokerId) ?? [])]
    this.#wills.delete(brokerId)
    return wills.map(([clientId, will]) => ({ clientId, will }))
  }

  #messagesOf(session: LocalSession): Map<number, QueuedMessage> {
    const messages = this.#messages.get(session) ?? new Map<number, QueuedMessage>()
    this.#messages.set(session, messages)
    return messages
  }
}
