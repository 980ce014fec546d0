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
import { Disk, type Write } from './store-embedded-disk.ts'
import * as keys from './store-embedded-keys.ts'
import { type Loaded, load, sessionWrite } from './store-embedded-load.ts'
import { decodeQueued, encodedByQos, encodeMessage } from './store-encoding.ts'
import { type LocalSession, subscriptionsOf } from './store-local.ts'

/**
 * Sessions in a folder of this broker. Everything is in memory too, so looking never waits for the disk, except the
 * messages in queues. What a PUBACK or PUBREC promises is synced before.
 */
export class EmbeddedStore implements SessionStore {
  readonly #bounds: QueueBounds
  readonly #disk: Disk
  #loaded: Loaded | undefined

  constructor({ folder, bounds }: { folder: string; bounds: QueueBounds }) {
    this.#bounds = bounds
    this.#disk = new Disk(folder)
  }

  /** @throws StartError when another process has the folder */
  async start(): Promise<void> {
    this.#loaded = await load(await this.#disk.open())
    const { sessions } = this.#loaded
    // Sessions found open became idle: noted, or each further start would give them their whole time again.
    await this.#disk.write(sessions.list('').map((clientId) => sessionWrite(sessions.opened(clientId))))
  }

  async stop(): Promise<void> {
    await this.#disk.close()
    this.#loaded = undefined
  }

  async open(clientId: string): Promise<{ isPresent: boolean; subscriptions: Subscription[] }> {
    const { session, isPresent } = this.#sessions.open(clientId)
    await this.#disk.write([sessionWrite(session)])
    return { isPresent, subscriptions: subscriptionsOf(session) }
  }

  async leave(clientId: string): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (!session) return
    session.idleSinceMs = Date.now()
    await this.#disk.write([sessionWrite(session)])
  }

  async remove(clientId: string): Promise<void> {
    const session = this.#sessions.remove(clientId)
    if (session) await this.#disk.write(removalOf(session))
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
    for (const clientId of idle) await this.remove(clientId)
    return idle
  }

  get hasSubscriptions(): boolean {
    return this.#sessions.hasSubscriptions
  }

  async subscribe(clientId: string, subscriptions: Subscription[]): Promise<void> {
    const session = this.#sessions.opened(clientId)
    this.#sessions.subscribe(session, subscriptions)
    await this.#disk.write([sessionWrite(session)])
  }

  async unsubscribe(clientId: string, filters: string[]): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (!session) return
    this.#sessions.unsubscribe(session, filters)
    await this.#disk.write([sessionWrite(session)])
  }

  async match(topic: string): Promise<Target[]> {
    return this.#sessions.match(topic)
  }

  async enqueue(targets: Target[], message: QueuedMessage): Promise<Drop[]> {
    const encoded = encodedByQos(message)
    const added: { session: LocalSession; id: number }[] = []
    const drops: Drop[] = []
    const writes: Write[] = []
    for (const { clientId, qos } of targets) {
      const session = this.#sessions.get(clientId)
      if (!session) continue
      const value = encoded(qos)
      const id = session.queue.add(value.length)
      added.push({ session, id })
      writes.push({ type: 'put', key: keys.queueKey(session.number, { id, size: value.length }), value })
      const trimmed = session.queue.trim(this.#bounds)
      for (const entry of trimmed) writes.push({ type: 'del', key: keys.queueKey(session.number, entry) })
      if (trimmed.length > 0) drops.push({ clientId, dropped: trimmed.length })
    }
    try {
      await this.#disk.write(writes, { isSynced: true })
    } catch (error) {
      for (const { session, id } of added) session.queue.remove(id)
      throw error
    }
    return drops
  }

  async read(clientId: string, after: string | undefined, count: number): Promise<QueueEntry[]> {
    const session = this.#sessions.get(clientId)
    if (!session) return []
    const { number, queue } = session
    const found = queue.behind(Number(after ?? 0), count).map((id) => ({ id, size: queue.sizeOf(id) }))
    const values = await this.#disk.database.getMany(found.map((entry) => keys.queueKey(number, entry)))
    const entries: QueueEntry[] = []
    for (const [i, { id }] of found.entries()) {
      // Settled or dropped while we read.
      if (!queue.has(id)) continue
      const value = values[i]
      // Still on its way to the disk: whoever enqueues it tells when it is there.
      if (!value) break
      entries.push({ ...decodeQueued(value), ...queue.inFlight(id), id: String(id) })
    }
    return entries
  }

  async sending(clientId: string, sent: { entryId: string; packetId: number }[]): Promise<void> {
    const writes: Write[] = []
    for (const { entryId, packetId } of sent)
      writes.push(...this.#inFlight(clientId, Number(entryId), { packetId, isReleased: false }))
    await this.#disk.write(writes)
  }

  async released(clientId: string, entryId: string): Promise<void> {
    const inFlight = this.#sessions.get(clientId)?.queue.inFlight(Number(entryId))
    if (!inFlight) return
    await this.#disk.write(this.#inFlight(clientId, Number(entryId), { ...inFlight, isReleased: true }))
  }

  async settled(clientId: string, entryId: string): Promise<void> {
    const session = this.#sessions.get(clientId)
    const id = Number(entryId)
    const size = session?.queue.remove(id) ?? 0
    if (!session || size === 0) return
    const { number } = session
    await this.#disk.write([
      { type: 'del', key: keys.queueKey(number, { id, size }) },
      { type: 'del', key: keys.inFlightKey(number, id) },
    ])
  }

  async queueSize(clientId: string): Promise<{ messages: number; bytes: number }> {
    const { messages = 0, bytes = 0 } = this.#sessions.get(clientId)?.queue ?? {}
    return { messages, bytes }
  }

  async retain(message: RetainedMessage): Promise<void> {
    this.#state.retained.store(message)
    const key = keys.retainedKey(message.topic)
    const value = encodeMessage({ ...message, retain: true })
    const write: Write = message.payload.length > 0 ? { type: 'put', key, value } : { type: 'del', key }
    // Of QoS 0 nothing is acknowledged: the statuses of a whole fleet that comes back must not wait for the disk.
    await this.#disk.write([write], { isSynced: message.qos > 0 })
  }

  async *retained(filters: string[]): AsyncGenerator<RetainedMessage> {
    yield* this.#state.retained.find(filters)
  }

  async retainedCount(topic: string): Promise<number> {
    return this.#state.retained.count(topic)
  }

  async retainedTotal(): Promise<{ messages: number; bytes: number }> {
    return this.#state.retained.total
  }

  async forgetRetained(topic: string): Promise<void> {
    const topics = this.#state.retained.forget(topic)
    await this.#disk.write(topics.map((one) => ({ type: 'del', key: keys.retainedKey(one) })))
  }

  async keepReceived(clientId: string, packetId: number): Promise<void> {
    const session = this.#sessions.get(clientId)
    // Ended meanwhile: nobody will ask for it.
    if (!session) return
    session.received.add(packetId)
    const key = keys.receivedKey(session.number, packetId)
    await this.#disk.write([{ type: 'put', key, value: Buffer.of() }], { isSynced: true })
  }

  async isReceived(clientId: string, packetId: number): Promise<boolean> {
    return this.#sessions.get(clientId)?.received.has(packetId) ?? false
  }

  async forgetReceived(clientId: string, packetId: number): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (!session?.received.delete(packetId)) return
    await this.#disk.write([{ type: 'del', key: keys.receivedKey(session.number, packetId) }])
  }

  async putWill(brokerId: string, clientId: string, will: Will): Promise<void> {
    const { wills } = this.#state
    wills.set(brokerId, (wills.get(brokerId) ?? new Map<string, Will>()).set(clientId, will))
    await this.#disk.write([
      { type: 'put', key: keys.willKey(brokerId, clientId), value: encodeMessage(will) },
    ])
  }

  async removeWill(brokerId: string, clientId: string): Promise<void> {
    if (!this.#state.wills.get(brokerId)?.delete(clientId)) return
    await this.#disk.write([{ type: 'del', key: keys.willKey(brokerId, clientId) }])
  }

  async takeWills(brokerId: string): Promise<{ clientId: string; will: Will }[]> {
    const wills = [...(this.#state.wills.get(brokerId) ?? [])]
    this.#state.wills.delete(brokerId)
    await this.#disk.write(
      wills.map(([clientId]) => ({ type: 'del', key: keys.willKey(brokerId, clientId) })),
    )
    return wills.map(([clientId, will]) => ({ clientId, will }))
  }

  #inFlight(clientId: string, id: number, state: { packetId: number; isReleased: boolean }): Write[] {
    const session = this.#sessions.get(clientId)
    if (!session?.queue.setInFlight(id, state)) return []
    return [{ type: 'put', key: keys.inFlightKey(session.number, id), value: keys.inFlightValue(state) }]
  }

  get #state(): Loaded {
    if (!this.#loaded) throw new Error('the session store is closed')
    return this.#loaded
  }

  get #sessions() {
    return this.#state.sessions
  }
}

function removalOf({ number, queue, received }: LocalSession): Write[] {
  const gone = [
    keys.sessionKey(number),
    ...queue.entries().map((entry) => keys.queueKey(number, entry)),
    ...[...queue.inFlightIds()].map((id) => keys.inFlightKey(number, id)),
    ...[...received].map((packetId) => keys.receivedKey(number, packetId)),
  ]
  return gone.map((key) => ({ type: 'del', key }))
}
