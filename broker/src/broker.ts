import type { Duplex } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { Aedes, type AuthenticateError, type Client, type ConnectPacket, type PublishPacket } from 'aedes'
import type { AcceptDeps } from './accept.ts'
import { forgetGhost, pauseClient, saidDisconnect, versionOf } from './aedes-client.ts'
import { attachSession, newSession } from './attach-session.ts'
import {
  type Accepted,
  type Attachment,
  endReasonOf,
  type Outcome,
  saidClientId,
  sessionIdOf,
  whoIs,
} from './attachment.ts'
import { type AuthenticateDeps, authenticate, connackCodes, RefusedError } from './authenticate.ts'
import { Clients } from './clients.ts'
import { type Topic, topics } from './contract/index.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { DeviceDirectory } from './directory.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { DoubledFilters } from './doubled-filters.ts'
import { InOrder } from './order.ts'
import type { Peer } from './peer.ts'
import type { Principal } from './principals.ts'
import { Publishing } from './publishing.ts'
import type { Router } from './router.ts'
import { persistenceForAedes } from './sessions/for-aedes.ts'
import type { Sessions, StoredSession } from './sessions/sessions.ts'
import type { Qos, SessionStore } from './sessions/store.ts'
import type { StoredWills } from './sessions/stored-wills.ts'
import { Subscribing } from './subscribing.ts'
import type { Totals } from './totals.ts'

export interface BrokerDeps extends Omit<AcceptDeps, 'publish'>, AuthenticateDeps {
  sessions: Sessions
  storedWills: StoredWills
  stores: { durable: SessionStore; memory: SessionStore }
  router: Router
  doorkeeper: Doorkeeper
  directory: DeviceDirectory
  diagnostics: Diagnostics
  totals: Totals
  limits: ClientLimits
  log: Logger
  /** Word from the API: somebody's secret is no longer good. */
  onRevoked: (principalName: string) => void
}

/** What one client may hold. */
export interface ClientLimits {
  deviceSubscriptions: number
  deviceRetained: number
  messageBytes: number
}

/** aedes with our hooks; the order of its own steps is in docs/ARCHITECTURE.md. */
export class Broker {
  readonly #deps: BrokerDeps
  readonly #aedes: Aedes
  readonly #publishing: Publishing
  readonly #subscribing: Subscribing
  readonly #doubledFilters = new DoubledFilters()
  readonly #accepted = new WeakMap<object, Accepted>()
  readonly clients = new Clients()
  /** Topics of Last Wills, between CONNECT and authentication. */
  readonly #wills = new WeakMap<Client, string>()
  #isClosing = false

  constructor(deps: BrokerDeps) {
    this.#deps = deps
    this.#publishing = new Publishing({ ...deps, publish: (topic, payload) => this.publish(topic, payload) })
    this.#subscribing = new Subscribing(deps)
    const { durable, memory } = deps.stores
    this.#aedes = new Aedes({
      mq: deps.router,
      persistence: persistenceForAedes({ sessions: deps.sessions, wills: deps.storedWills, durable, memory }),
      connectTimeout: 2 * limits.gate.connectTimeoutMs,
      drainTimeout: limits.broker.drainTimeoutMs,
      maxTopicLevels: limits.broker.topicLevelsMax,
      maxClientsIdLength: limits.gate.connectBytesMax,
      preConnect: (client, packet, callback) => this.#preConnect(client, packet, callback),
      authenticate: (client, username, password, done) =>
        void this.#authenticate(client, username, password).then(
          () => done(null, true),
          (error: AuthenticateError) => done(error, null),
        ),
      authorizePublish: (client, packet, callback) => this.#authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, { topic, qos }, callback) =>
        void this.#subscribing
          .subscribe(client, this.clients.get(client), { filter: topic, qos: qos as Qos })
          .then(
            (isGranted) => callback(null, isGranted ? { topic, qos } : null),
            (error) => callback(error),
          ),
      authorizeForward: () => null,
    })
    this.#listen()
  }

  get aedesVersion(): string {
    return versionOf(this.#aedes)
  }

  async start(): Promise<void> {
    await this.#aedes.listen()
  }

  /** A new connection, from any listener. */
  accept(connection: Duplex, peer: Peer): void {
    const gate = this.#deps.doorkeeper.admit(connection, peer)
    if (!gate) return
    this.#accepted.set(gate.connection, { peer, gate })
    this.#aedes.handle(gate.connection)
  }

  /** A message of the platform's own: QoS 0 unless it is kept. */
  publish(topic: string, payload: Buffer, { retain = false } = {}): void {
    const packet = { topic, payload, qos: 0 as const, retain }
    const publish = () => this.#deps.router.publish(packet)
    if (retain) void this.#deps.sessions.keep(packet).then(publish)
    else publish()
  }

  /** For a device that does not say so itself. */
  writeStatus(deviceId: string, status: 'online' | 'offline'): void {
    this.publish(topics.status(deviceId), Buffer.from(status), { retain: true })
  }

  /** Word of the API, through another broker. */
  heardFromApi(topic: Topic): void {
    this.#publishing.fromApi(topic)
  }

  /** Reads no further packet, so that what was read can be stored and acknowledged before `close`. */
  stopReading(): void {
    this.#isClosing = true
    // Of one that is cut off meanwhile, too.
    this.#deps.storedWills.hold()
    for (const [client] of this.clients.all()) pauseClient(client)
  }

  /** Closes every connection; no will is published for clients that will reconnect. */
  async close(): Promise<void> {
    this.stopReading()
    for (const [, attachment] of this.clients.all()) attachment.endReason ??= 'broker_stopped'
    for (const [client] of this.clients.all()) client.close()
    await new Promise<void>((resolve) => this.#aedes.close(resolve))
  }

  #listen(): void {
    this.#aedes.on('client', (client) => this.#connected(client))
    this.#aedes.on('clientDisconnect', (client) => this.#disconnected(client))
    this.#aedes.on('connackSent', ({ returnCode }, client) => {
      if (returnCode === 0) this.#opened(client)
    })
    this.#aedes.on('clientError', (client, error) => {
      this.#deps.log.debug({ err: error, clientId: client.id }, 'client error')
    })
    this.#aedes.on('connectionError', (client, error) => {
      this.#deps.log.debug({ err: error }, 'connection refused')
      this.#forget(client)
    })
    this.#aedes.on('subscribe', (subscriptions, client) => {
      this.#doubledFilters.answer(client, subscriptions)
      const deviceId = this.clients.get(client)?.session?.deviceId
      if (deviceId) this.#deps.commands.nudge(deviceId)
    })
    this.#aedes.on('unsubscribe', (filters, client) => {
      // Stored sessions are told by aedes' persistence.
      if (this.#deps.sessions.find(client)?.outbox.isClean)
        void this.#deps.sessions.unsubscribe(client, filters)
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
    const accepted = this.#accepted.get(client.conn)
    if (!accepted || this.#isClosing) return callback(new Error('not now'), false)
    if (packet.will) this.#wills.set(client, packet.will.topic)
    // Client ids are free, so two principals may pick the same one: each gets a name space of its own.
    const name = packet.username ?? accepted.peer.certificate?.commonName
    if (name !== undefined) packet.clientId = sessionIdOf(name, packet.clientId)
    // The gate watches over it: aedes' own timer also runs while we do not read.
    packet.keepalive = 0
    callback(null, true)
  }

  async #authenticate(client: Client, username?: string, password?: Buffer): Promise<void> {
    const accepted = this.#accepted.get(client.conn)
    if (!accepted || this.#isClosing)
      throw new RefusedError(connackCodes.serverUnavailable, 'overloaded', 'the broker is stopping')
    const { peer } = accepted
    const willTopic = this.#wills.get(client)
    const claim = { username, password, clientId: saidClientId(client.id), peer, willTopic }
    const principal = await this.#deps.doorkeeper.check(claim, () => authenticate(this.#deps, claim))
    const stored = client.clean ? undefined : await this.#openSession(client, principal)
    if (client.closed) throw new Error('gone meanwhile')
    const rest = { order: new InOrder<Outcome>(), receivingCount: 0, isOpen: false }
    const attachment: Attachment = { ...accepted, principal, ...rest }
    const close = () => this.clients.close(client, 'connection_lost')
    attachSession(this.#deps, { client, attachment, stored, close })
    this.#doubledFilters.watch(client)
    if (principal.kind === 'device') {
      // Of the same client id, aedes itself closes the former one, before it tells us of this one.
      const former = this.clients.live(principal.deviceId)
      const attached = former?.id === client.id && this.clients.get(former)
      if (attached) attached.successor = client
      attachment.session = newSession(client, principal.deviceId, peer)
    }
    this.clients.add(client, attachment)
  }

  async #openSession(client: Client, { kind }: Principal): Promise<StoredSession> {
    const { storedPerDeviceMax, storedPerIntegrationMax } = limits.sessions
    try {
      const ownedMax = kind === 'device' ? storedPerDeviceMax : storedPerIntegrationMax
      return await this.#deps.sessions.open(client.id, ownedMax)
    } catch {
      throw new RefusedError(connackCodes.serverUnavailable, 'overloaded', 'sessions cannot be read now')
    }
  }

  /** After authentication and after aedes closed an older client of the same client id. */
  #connected(client: Client): void {
    if (forgetGhost(this.#aedes, client)) return
    this.clients.connected(client)
    const session = this.clients.get(client)?.session
    if (!session) return
    session.isConnected = true
    const former = this.clients.setLive(session.deviceId, client)
    session.connectedAt = new Date()
    this.#deps.presence.connected(session)
    const attached = this.#deps.sessions.find(client)
    if (attached) this.#deps.commands.connected(session.deviceId, attached)
    if (former) void this.clients.close(former, 'taken_over')
    // A device that writes its own status overwrites this; one that never does is not left without.
    this.writeStatus(session.deviceId, 'online')
  }

  /** CONNACK is out: what the client sends may pass, what is queued for it is sent. */
  #opened(client: Client): void {
    const attachment = this.clients.get(client)
    if (!attachment) return
    attachment.isOpen = true
    this.#deps.doorkeeper.open(client, attachment)
    this.#deps.sessions.find(client)?.outbox.open()
  }

  #disconnected(client: Client): void {
    const attachment = this.clients.get(client)
    this.#forget(client)
    if (!attachment?.session?.isConnected) return
    const { session } = attachment
    const isLive = this.clients.endLive(session.deviceId, client)
    this.#deps.commands.disconnected(session.deviceId, client)
    const reason = endReasonOf(attachment) ?? (saidDisconnect(client) ? 'disconnected' : 'connection_lost')
    this.#deps.presence.disconnected(session, reason)
    // Whoever left without saying so (no will, or a will that said something else) is said to be offline.
    if (isLive && session.reported !== 'offline' && reason !== 'taken_over' && !this.#isClosing)
      this.writeStatus(session.deviceId, 'offline')
  }

  #forget(client: Client): void {
    this.clients.remove(client)
    this.#deps.sessions.detach(client)
  }

  #authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    callback: (error?: Error | null) => void,
  ): void {
    const attachment = client && this.clients.get(client)
    if (!client || !attachment) return callback(new Error('nobody to publish for'))
    // aedes marks a client closed before it asks for its will.
    if (client.closed && (this.#isClosing || !this.clients.mayWillSpeak(client, attachment)))
      return callback(new Error('will withdrawn'))
    const refusal = this.#publishing.accept(client, attachment, packet, callback)
    if (!refusal) return
    attachment.endReason ??= 'protocol_error'
    this.#deps.diagnostics.report({ ...whoIs(client, attachment), ...refusal })
    callback(new Error(refusal.detail))
  }
}
