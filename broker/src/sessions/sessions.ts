import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { ProblemLimit } from '@telltale/infra/storage/problems'
import type { Client } from 'aedes'
import { ownerOf } from '../attachment.ts'
import { forEach } from '../for-each.ts'
import { Trouble } from '../trouble.ts'
import { type Insist, insistWith } from './insist.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { ReceivedOnce } from './received-once.ts'
import type { Drop, Qos, QueuedMessage, SessionStore, Subscription } from './store.ts'
import { TopicTree } from './topic-tree.ts'

export interface SessionsDeps {
  /** Bound of every queue. */
  queueMessagesMax: number
  /** Persistent sessions, retained messages and wills. */
  durable: SessionStore
  /** Clean sessions: theirs end with the connection. */
  memory: SessionStore
  /** The queue of a stored session lost its oldest messages. */
  onQueueFull: (full: QueueFull) => void
  log: Logger
}

export interface QueueFull {
  clientId: string
  dropped: number
  /** What waits in it now. */
  messages: number
  bytes: number
}

/** What a client may get, asked again for each delivery: a right may have been taken away meanwhile. */
type MayReceive = (topic: string) => boolean

export type StoredSession = Awaited<ReturnType<SessionStore['open']>>

export interface Attached {
  client: Client
  stored: StoredSession | undefined
  outbox: Outbox
  /** Granted filters with their QoS. */
  filters: Map<string, Entry>
  mayReceive: MayReceive
}

interface Entry {
  attached: Attached
  qos: Qos
}

/** A packet as aedes and we publish it. */
export interface Published {
  topic: string
  payload: Buffer
  qos: Qos
  retain: boolean
}

/**
 * Who gets which message on this broker. Publishing has two steps: `keep` stores what must survive (the retained
 * message, copies for persistent sessions wherever they are connected) before the publisher is answered; `deliver`
 * then hands it to the clients that are connected here.
 */
export class Sessions {
  readonly #deps: SessionsDeps
  readonly #insist: Insist
  readonly #housekeeping: Trouble
  readonly #tree = new TopicTree<Attached, Entry>()
  readonly #attached = new Map<Client, Attached>()
  /** By session: the newest connection of each. */
  readonly #bySession = new Map<string, Attached>()
  #cleanCount = 0
  #dropped = 0
  /** Stored sessions that a clean connect has ended while the store was away. */
  readonly #discarded = new Set<string>()
  readonly #received: ReceivedOnce
  /** Sessions whose full queue is being told of. */
  readonly #telling = new Set<string>()

  constructor(deps: SessionsDeps) {
    this.#deps = deps
    this.#insist = insistWith(deps.log)
    this.#housekeeping = new Trouble(deps.log, 'session housekeeping failed', () => true)
    this.#received = new ReceivedOnce(this.#insist)
  }

  /** Messages that were not delivered because a queue or a socket was full, since the start. */
  get droppedTotal(): number {
    return this.#dropped
  }

  /** Whether a message above QoS 0 could have to wait for somebody: else nothing is looked for. */
  get mayBeQueued(): boolean {
    return this.#deps.durable.hasSubscriptions
  }

  /** After authentication, before CONNACK. */
  attach(
    client: Client,
    options: {
      sessionId: string
      /** Opened before; undefined for a clean session. */
      stored: StoredSession | undefined
      bufferBytesMax: number
      mayReceive: MayReceive
      onDropped: (count: number, limit?: ProblemLimit) => void
      onStuck: () => void
    },
  ): Attached {
    const { sessionId, stored, bufferBytesMax, mayReceive, onDropped, onStuck } = options
    const isClean = stored === undefined
    const outbox = new Outbox({
      client,
      isClean,
      bufferBytesMax,
      mayReceive,
      onStuck,
      // What is in flight is in the queue as well, which must have room for one more.
      inFlightMax: Math.max(1, Math.min(limits.sessions.inFlightMax, this.#deps.queueMessagesMax - 1)),
      // Two connections of one client id can overlap: clean sessions are told apart.
      clientId: isClean ? `${sessionId}#${++this.#cleanCount}` : sessionId,
      store: isClean ? this.#deps.memory : this.#deps.durable,
      onDropped: (count, limit) => {
        this.#dropped += count
        onDropped(count, limit)
      },
      onError: (error) => {
        this.#deps.log.warn(
          { err: error, sessionId },
          'a session could not be served; its client is disconnected',
        )
        client.conn.destroy()
      },
    })
    const attached: Attached = { client, stored, outbox, filters: new Map(), mayReceive }
    this.#attached.set(client, attached)
    if (isClean) this.#quietly(this.#deps.memory.open(outbox.clientId))
    else this.#bySession.set(sessionId, attached)
    return attached
  }

  find(client: Client): Attached | undefined {
    return this.#attached.get(client)
  }

  /** What was stored for the session that connects just now. */
  storedOf(sessionId: string): StoredSession | undefined {
    return this.#bySession.get(sessionId)?.stored
  }

  detach(client: Client): void {
    const attached = this.#attached.get(client)
    if (!attached) return
    this.#attached.delete(client)
    attached.outbox.close()
    for (const filter of attached.filters.keys()) this.#tree.delete(filter, attached)
    const { clientId, isClean } = attached.outbox
    if (isClean) return this.#quietly(this.#deps.memory.remove(clientId))
    // A newer connection of the session goes on with it.
    if (this.#bySession.get(clientId) !== attached) return
    this.#bySession.delete(clientId)
    this.#quietly(this.#deps.durable.leave(clientId).then(() => this.#housekeeping.worked()))
  }

  /** Ends stored sessions of principals that lost their right; live ones must have been disconnected. */
  async removeAll(owners: ReadonlySet<string>): Promise<void> {
    if (owners.size === 0) return
    const { durable } = this.#deps
    // Every session is looked at in any case, so once for all of the owners.
    const theirs = (await durable.list('')).filter((clientId) => owners.has(ownerOf(clientId)))
    await forEach(theirs, (clientId) => durable.remove(clientId))
  }

  /** Keeps the subscription and makes it effective. @param isKnown restored from the store */
  async subscribe(client: Client, { filter, qos }: Subscription, isKnown: boolean): Promise<void> {
    const attached = this.#attached.get(client)
    if (!attached) throw new Error('the client is gone')
    const { outbox, filters } = attached
    if (!outbox.isClean && !isKnown) await this.#deps.durable.subscribe(outbox.clientId, [{ filter, qos }])
    if (!this.#attached.has(client)) throw new Error('the client is gone')
    const entry: Entry = { attached, qos }
    filters.set(filter, entry)
    this.#tree.set(filter, attached, entry)
  }

  async unsubscribe(client: Client, filters: string[]): Promise<void> {
    const attached = this.#attached.get(client)
    if (!attached) return
    for (const filter of filters) {
      this.#tree.delete(filter, attached)
      attached.filters.delete(filter)
    }
    if (!attached.outbox.isClean) await this.#deps.durable.unsubscribe(attached.outbox.clientId, filters)
  }

  /**
   * Stores what must survive. Tries for ever: until then the publisher is not answered.
   */
  async keep(packet: Published): Promise<void> {
    const { durable } = this.#deps
    const { topic, qos } = packet
    if (packet.retain) await this.#insist(() => durable.retain({ topic, qos, payload: packet.payload }))
    if (qos === 0 || topic.startsWith('$')) return
    const targets = await this.#insist(() => durable.match(topic))
    if (targets.length === 0) return
    const message: QueuedMessage = { topic, payload: packet.payload, qos, retain: false }
    for (const drop of await this.#insist(() => durable.enqueue(targets, message)))
      void this.#tellDropped(drop)
  }

  /** To every client connected here that subscribed to it, once each, at the highest QoS its filters were granted. */
  deliver(packet: Published): void {
    const entries = this.#tree.match(packet.topic)
    if (entries.length === 0) return
    const { topic, payload, qos } = packet
    const message: Outgoing = { topic, payload, qos }
    if (entries.length === 1) {
      const [entry] = entries as [Entry]
      return hand(entry.attached, message, entry.qos)
    }
    const highest = new Map<Attached, Qos>()
    for (const { attached, qos: granted } of entries)
      if (granted >= (highest.get(attached) ?? 0)) highest.set(attached, granted)
    for (const [attached, granted] of highest) hand(attached, message, granted)
  }

  /** A retained message that a new subscription of this client matched. */
  async deliverRetained(client: Client, packet: Published): Promise<void> {
    const attached = this.#attached.get(client)
    if (!attached?.mayReceive(packet.topic)) return
    const granted = this.#tree
      .match(packet.topic)
      .reduce<Qos>((most, entry) => (entry.attached === attached && entry.qos > most ? entry.qos : most), 0)
    await attached.outbox.deliverRetained(packet, granted)
  }

  /** QoS 2: `accept` is called unless the message came before, on this connection of the session or a former one. */
  async receiveOnce<T>(client: Client, packetId: number, accept: () => Promise<T>): Promise<T | 'again'> {
    const outbox = this.#attached.get(client)?.outbox
    if (!outbox) return 'again'
    // Taken now: the connection may end meanwhile.
    const { clientId, isClean } = outbox
    const store = isClean ? this.#deps.memory : this.#deps.durable
    return this.#received.once({ store, clientId, packetId }, accept)
  }

  /** A clean connect ends the stored session of the same id ([MQTT-3.1.2-6]): later, while the store is away. */
  async discard(sessionId: string): Promise<void> {
    try {
      await this.#deps.durable.remove(sessionId)
      this.#discarded.delete(sessionId)
    } catch (error) {
      if (this.#discarded.size === 0)
        this.#deps.log.warn({ err: error }, 'sessions cannot be ended; that is done later')
      this.#discarded.add(sessionId)
    }
  }

  /** The stored session of a client that connects. @throws while the store is away */
  async open(sessionId: string, ownedMax: number): Promise<StoredSession> {
    if (this.#discarded.has(sessionId)) await this.#deps.durable.remove(sessionId)
    this.#discarded.delete(sessionId)
    const stored = await this.#deps.durable.open(sessionId)
    if (!stored.isPresent) {
      const ended = await this.#deps.durable.trim(`${ownerOf(sessionId)}/`, ownedMax)
      if (ended.length > 0) this.#deps.log.info({ ended }, 'stored sessions ended: their client has too many')
    }
    return stored
  }

  /** The store was away: what was put off is done, and words of new messages may have been missed. */
  async storeIsBack(): Promise<void> {
    for (const { outbox } of this.#bySession.values()) outbox.pump()
    for (const sessionId of this.#discarded) await this.discard(sessionId)
  }

  async #tellDropped({ clientId, dropped }: Drop): Promise<void> {
    this.#dropped += dropped
    if (this.#telling.has(clientId)) return
    this.#telling.add(clientId)
    const { durable, onQueueFull } = this.#deps
    const size = await durable.queueSize(clientId).catch(() => undefined)
    this.#telling.delete(clientId)
    if (size) onQueueFull({ clientId, dropped, ...size })
  }

  #quietly(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#housekeeping.failed(error))
  }
}

function hand({ outbox, mayReceive }: Attached, message: Outgoing, granted: Qos): void {
  if (mayReceive(message.topic)) outbox.deliver(message, granted)
  // Queued all the same, because whoever queues knows no rights: it is thrown away now.
  else if (!outbox.isClean) outbox.pump()
}
