import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import { Aedes, type Client, type ConnectPacket, type PublishPacket } from 'aedes'
import { type AcceptDeps, acceptFromDevice } from './accept.ts'
import { isAwaitingPubrel, pauseClient, saidDisconnect } from './aedes-client.ts'
import { type Attachment, endReasonOf } from './attachment.ts'
import { type PresenceReason, parseTopic, payloadLimits, type Topic, topics } from './contract/index.ts'
import { authenticate, connackCodes, mayPublish, mayReceive, maySubscribe, RefusedError } from './devices.ts'
import { InOrder } from './order.ts'
import { createSessionStore } from './session-store.ts'
import { StampClock } from './telemetry.ts'

export interface BrokerDeps extends Omit<AcceptDeps, 'publish'> {
  pool: Pool
  platformSecret: string
  log: Logger
  /** Series ids of a device's former life must not outlive a reconnect. */
  /** Word from the API. */
  onRevoked: (deviceId: string) => void
}

/** aedes with our hooks; the order of its own steps is in docs/ARCHITECTURE.md. */
export class Broker {
  readonly #deps: BrokerDeps
  readonly #accept: AcceptDeps
  readonly #aedes: Aedes
  readonly #attachments = new WeakMap<Client, Attachment>()
  /** The live client of each device: a second one takes over whatever its client id. */
  readonly #clients = new Map<string, Client>()
  /** Last Wills between CONNECT and authentication. */
  readonly #wills = new WeakMap<Client, PublishPacket>()
  #isClosing = false

  constructor(deps: BrokerDeps) {
    this.#deps = deps
    this.#accept = { ...deps, publish: (topic, payload) => this.publish(topic, payload) }
    this.#aedes = new Aedes({
      persistence: createSessionStore(),
      concurrency: limits.broker.concurrency,
      connectTimeout: limits.broker.connectTimeoutMs,
      drainTimeout: limits.broker.drainTimeoutMs,
      maxTopicLevels: limits.broker.topicLevelsMax,
      maxClientsIdLength: limits.broker.clientIdCharsMax,
      preConnect: (client, packet, callback) => this.#preConnect(client, packet, callback),
      authenticate: (client, username, password, done) =>
        void this.#authenticate(client, username, password).then(
          () => done(null, true),
          (error) => done(error, null),
        ),
      authorizePublish: (client, packet, callback) => this.#authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) =>
        callback(null, this.#maySubscribe(client, subscription.topic) ? subscription : null),
      authorizeForward: (client, packet) => {
        const attachment = this.#attachments.get(client)
        return attachment && mayReceive(attachment.principal, packet.topic) ? packet : null
      },
    })
    this.#listen()
  }

  async start(): Promise<void> {
    await this.#aedes.listen()
  }

  readonly handle: Aedes['handle'] = (connection, request) => this.#aedes.handle(connection, request)

  /** Devices only: the API's own link is not counted. */
  get deviceCount(): number {
    return this.#clients.size
  }

  /** A message of the platform's own: QoS 0 unless it is kept. */
  publish(topic: string, payload: Buffer, options: { retain?: boolean } = {}): void {
    const packet: PublishPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos: 0,
      retain: options.retain ?? false,
      dup: false,
    }
    this.#aedes.publish(packet, (error) => {
      if (error) this.#deps.log.warn({ err: error, topic }, 'a platform message could not be sent')
    })
  }

  /** The secret each connected device proved itself with. */
  *credentialsInUse(): Iterable<{ deviceId: string; hash: Buffer }> {
    for (const [deviceId, client] of this.#clients) {
      const principal = this.#attachments.get(client)?.principal
      if (principal?.kind === 'device') yield { deviceId, hash: principal.credentialHash }
    }
  }

  /** Closes a device's live connection. */
  disconnect(deviceId: string, reason: PresenceReason): void {
    const client = this.#clients.get(deviceId)
    if (!client) return
    this.#end(client, reason)
    client.close()
  }

  /** Reads no further packet, so that what was read can be stored and acknowledged before `close`. */
  stopReading(): void {
    this.#isClosing = true
    for (const client of this.#clients.values()) pauseClient(client)
  }

  /** Closes every connection; no will is published for devices that will reconnect. */
  async close(): Promise<void> {
    this.#isClosing = true
    for (const client of this.#clients.values()) this.#end(client, 'broker_stopped')
    await new Promise<void>((resolve) => this.#aedes.close(resolve))
  }

  #listen(): void {
    this.#aedes.on('client', (client) => this.#connected(client))
    this.#aedes.on('clientDisconnect', (client) => this.#disconnected(client))
    this.#aedes.on('keepaliveTimeout', (client) => this.#end(client, 'keep_alive_lost'))
    this.#aedes.on('clientError', (client, error) => {
      this.#deps.log.debug({ err: error, clientId: client.id }, 'client error')
    })
    this.#aedes.on('connectionError', (_client, error) =>
      this.#deps.log.debug({ err: error }, 'connection refused'),
    )
    this.#aedes.on('subscribe', (_subscriptions, client) => {
      const deviceId = this.#attachments.get(client)?.session?.deviceId
      if (deviceId) this.#deps.commands.nudge(deviceId)
    })
    this.#aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) this.#attachments.get(client)?.filters.delete(filter)
    })
    // Not in aedes' types: persistence failures arrive here, and without a listener would end the process.
    const emitter = this.#aedes as unknown as NodeJS.EventEmitter
    emitter.on('error', (error) => this.#deps.log.error({ err: error }, 'broker error'))
  }

  #preConnect(
    client: Client,
    packet: ConnectPacket,
    callback: (error: Error | null, success: boolean) => void,
  ): void {
    // Packets behind CONNECT must not be handled before authentication ended.
    pauseClient(client)
    // aedes passes these on as they are; PostgreSQL cannot hold U+0000 ([MQTT-1.5.3-2]).
    const texts = [packet.clientId, packet.username, packet.will?.topic]
    if (texts.some((text) => text?.includes('\0'))) return callback(new Error('U+0000 in CONNECT'), false)
    if (packet.will) this.#wills.set(client, packet.will as PublishPacket)
    // Client ids are free, so two devices may pick the same one: each gets a name space of its own.
    if (packet.username !== undefined && packet.clientId)
      packet.clientId = `${packet.username}/${packet.clientId}`
    callback(null, true)
  }

  async #authenticate(client: Client, username?: string, password?: Buffer): Promise<void> {
    if (this.#isClosing) throw new RefusedError(connackCodes.serverUnavailable, 'the broker is stopping')
    const principal = await authenticate(this.#deps, username, password)
    const will = this.#wills.get(client)
    if (will && !mayPublish(principal, parseTopic(will.topic)))
      throw new RefusedError(connackCodes.notAuthorized, `a Last Will on ${will.topic} is not allowed`)
    const attachment: Attachment = { principal, order: new InOrder(), filters: new Set() }
    if (principal.kind === 'device') {
      // Of the same client id, aedes itself closes the former one, before it tells us of this one.
      const former = this.#clients.get(principal.deviceId)
      const attached = former?.id === client.id && this.#attachments.get(former)
      if (attached) attached.successor = client
      attachment.session = {
        deviceId: principal.deviceId,
        clientId: client.id,
        address: (client.conn as { remoteAddress?: string }).remoteAddress ?? null,
        connectedAt: new Date(),
        clock: new StampClock(),
      }
    }
    this.#attachments.set(client, attachment)
  }

  /** After authentication and after aedes closed an older client of the same client id. */
  #connected(client: Client): void {
    const attachment = this.#attachments.get(client)
    if (!attachment?.session) return
    const { session } = attachment
    const former = this.#clients.get(session.deviceId)
    this.#clients.set(session.deviceId, client)
    session.connectedAt = new Date()
    this.#deps.presence.connected(session)
    this.#deps.commands.connected(session.deviceId, client)
    if (former && former !== client) {
      this.#end(former, 'taken_over')
      former.close()
    }
    // A device that writes its own status overwrites this; one that never does is not left without.
    this.#writeStatus(session.deviceId, 'online')
  }

  #disconnected(client: Client): void {
    const attachment = this.#attachments.get(client)
    if (!attachment?.session) return
    const { session } = attachment
    const isLive = this.#clients.get(session.deviceId) === client
    if (isLive) this.#clients.delete(session.deviceId)
    this.#deps.commands.disconnected(session.deviceId, client)
    const reason = endReasonOf(attachment) ?? (saidDisconnect(client) ? 'disconnected' : 'connection_lost')
    this.#deps.presence.disconnected(session, reason)
    // Whoever left without saying so (no will, or a will that said something else) is said to be offline.
    if (isLive && session.reported !== 'offline' && !this.#isClosing)
      this.#writeStatus(session.deviceId, 'offline')
  }

  #authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    callback: (error?: Error | null) => void,
  ): void {
    const attachment = client && this.#attachments.get(client)
    if (!client || !attachment) return callback(new Error('nobody to publish for'))
    const { principal, session, order } = attachment
    // aedes marks a client closed before it asks for its will.
    if (client.closed && !this.#mayWillSpeak(client, attachment)) return callback(new Error('will withdrawn'))
    const topic = parseTopic(packet.topic)
    if (!mayPublish(principal, topic) || packet.topic.includes('\0')) {
      this.#end(client, 'protocol_error')
      this.#deps.log.info({ clientId: client.id, topic: packet.topic }, 'forbidden topic')
      return callback(new Error(`publishing to ${packet.topic} is not allowed`))
    }
    if (packet.payload.length > payloadLimits.payloadBytesMax) {
      this.#end(client, 'protocol_error')
      return callback(new Error('payload too large'))
    }
    if (!session) return this.#acceptFromApi(topic, callback)
    const done = order.enter(callback)
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    const publish = { session, packet, topic, payload, nowMs: Date.now(), done }
    const accept = () => acceptFromDevice(this.#accept, publish)
    if (packet.qos === 2) this.#acceptOnce(client, packet, { accept, done })
    else accept()
  }

  /** QoS 2: what is sent again before its PUBREL was accepted already, and is only answered again. */
  #acceptOnce(client: Client, packet: PublishPacket, then: { accept: () => void; done: () => void }): void {
    void isAwaitingPubrel(client, packet).then((isRepeated) => (isRepeated ? then.done() : then.accept()))
  }

  /** Wills lie: the one of a connection that was taken over, or that we close ourselves, is not published. */
  #mayWillSpeak(client: Client, attachment: Attachment): boolean {
    if (this.#isClosing || endReasonOf(attachment) === 'taken_over') return false
    const { session } = attachment
    const live = session && this.#clients.get(session.deviceId)
    return live === undefined || live === client
  }

  #acceptFromApi(topic: Topic, callback: () => void): void {
    if (topic.kind === 'platform' && topic.about === 'nudge') this.#deps.commands.nudge(topic.id)
    if (topic.kind === 'platform' && topic.about === 'revoked') this.#deps.onRevoked(topic.id)
    callback()
  }

  #maySubscribe(client: Client, filter: string): boolean {
    const attachment = this.#attachments.get(client)
    if (!attachment) return false
    const { principal, filters } = attachment
    if (!maySubscribe(principal, filter)) return false
    if (principal.kind === 'platform') return true
    if (filters.size >= limits.broker.subscriptionsPerClientMax && !filters.has(filter)) return false
    filters.add(filter)
    return true
  }

  #end(client: Client, reason: PresenceReason): void {
    const attachment = this.#attachments.get(client)
    if (attachment) attachment.endReason ??= reason
  }

  #writeStatus(deviceId: string, status: 'online' | 'offline'): void {
    this.publish(topics.status(deviceId), Buffer.from(status), { retain: true })
  }
}
