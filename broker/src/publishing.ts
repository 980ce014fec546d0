import { limits } from '@telltale/infra/limits'
import type { Client, PublishPacket } from 'aedes'
import { type AcceptDeps, acceptPublish } from './accept.ts'
import { type Attachment, type Outcome, whoIs } from './attachment.ts'
import { parseTopic, type Topic } from './contract/index.ts'
import type { Diagnostics, Problem } from './diagnostics.ts'
import type { DeviceDirectory } from './directory.ts'
import type { Source } from './presence.ts'
import { mayPublish } from './principals.ts'
import type { Router } from './router.ts'
import type { Published, Sessions } from './sessions/sessions.ts'
import type { SessionStore } from './sessions/store.ts'
import { StampClock } from './telemetry.ts'
import type { Totals } from './totals.ts'

export interface PublishingDeps extends AcceptDeps {
  sessions: Sessions
  router: Router
  stores: { durable: SessionStore }
  directory: DeviceDirectory
  diagnostics: Diagnostics
  totals: Totals
  limits: { deviceRetained: number; messageBytes: number }
  onRevoked: (principalName: string) => void
}

/** As diagnostics tell it. */
export type PublishRefusal = Pick<Problem, 'code' | 'detail' | 'limit'>

interface Incoming {
  client: Client
  attachment: Attachment
  packet: PublishPacket
  topic: Topic
}

/** The devices one integration writes for whose clocks are remembered. */
const SOURCES_MAX = 10_000

/**
 * From a PUBLISH (or a Last Will) to the moment it may be acknowledged: allowed, meant, stored, kept for those who are
 * absent; answered in the order of the questions.
 */
export class Publishing {
  readonly #deps: PublishingDeps

  constructor(deps: PublishingDeps) {
    this.#deps = deps
  }

  /** @returns why it is refused, and the connection ends; else `callback` follows when it may be acknowledged */
  accept(
    client: Client,
    attachment: Attachment,
    packet: PublishPacket,
    callback: (error?: Error | null) => void,
  ): PublishRefusal | undefined {
    const { principal, order } = attachment
    const topic = parseTopic(packet.topic)
    if (!mayPublish(principal, packet.topic, topic))
      return { code: 'forbidden_topic', detail: `publishing to ${packet.topic} is not allowed` }
    const { messageBytes: allowed } = this.#deps.limits
    const value = packet.payload.length
    if (value > allowed) {
      const limit = { name: 'TELLTALE_MESSAGE_BYTES', value, allowed }
      return { code: 'oversized', detail: `a message of ${value} bytes; at most ${allowed}`, limit }
    }
    if (principal.kind === 'platform') {
      this.fromApi(topic)
      // Whichever broker holds the device must hear it.
      if (topic.kind === 'platform' && topic.about !== 'changed')
        this.#deps.router.publish(packet as Published)
      callback()
      return undefined
    }
    const isOnce = packet.qos === 2 && packet.messageId !== undefined
    if (isOnce && attachment.receivingCount >= limits.sessions.receivingMax)
      return { code: 'limit_messages', detail: 'too many messages of QoS 2 are unfinished' }
    // Subscribers are served here, whether the publisher is still there to be answered or not.
    const release = order.enter((outcome) => {
      if (outcome === 'new') {
        this.#deps.router.publish(packet as Published)
        // aedes answers in the callback, and only those who are still there.
        if (packet.qos > 0 && isReadings(topic) && !client.closed) this.#deps.totals.acknowledged()
      }
      callback(outcome instanceof Error ? outcome : null)
    })
    const publish: Incoming = { client, attachment, packet, topic }
    if (isOnce) void this.#acceptOnce(publish, packet.messageId as number).then(release)
    else if (packet.retain || (packet.qos > 0 && this.#deps.sessions.mayBeQueued))
      void this.#acceptAndKeep(publish).then(release)
    else this.#accept(publish, (refusal) => release(refusal ?? 'new'))
    return undefined
  }

  /**
   * QoS 2: what comes again before its PUBREL, in the same breath or after a reconnect, is answered again and nothing
   * else ([MQTT-4.3.3-2]). The packet id is kept before the PUBREC, so aedes finds it and only answers.
   */
  async #acceptOnce(publish: Incoming, packetId: number): Promise<Outcome> {
    const { client, attachment } = publish
    attachment.receivingCount++
    const outcome = await this.#deps.sessions.receiveOnce(client, packetId, () =>
      this.#acceptAndKeep(publish),
    )
    attachment.receivingCount--
    return outcome
  }

  /** What this client's publishes store for others is stored in the order they came, whenever the database answers. */
  #acceptAndKeep(publish: Incoming): Promise<Outcome> {
    const { attachment } = publish
    const accepted = new Promise<Error | undefined>((resolve) => this.#accept(publish, resolve))
    const kept = (attachment.keeping ?? Promise.resolve()).then(async (): Promise<Outcome> => {
      const refusal = await accepted
      if (refusal) return refusal
      await this.#keep(publish)
      return 'new'
    })
    attachment.keeping = kept
    return kept
  }

  /** Word of the API, also when it came through another broker. */
  fromApi(topic: Topic): void {
    if (topic.kind !== 'platform') return
    if (topic.about === 'nudge') this.#deps.commands.nudge(topic.id)
    if (topic.about === 'changed') this.#deps.commands.changedByApi(topic.id)
    if (topic.about === 'revoked') this.#deps.onRevoked(topic.id)
  }

  #accept({ client, attachment, packet, topic }: Incoming, done: (refusal?: Error) => void): void {
    if (attachment.session) return this.#store(attachment.session, packet, topic, done)
    // An integration: readings of any registered device; everything else is plain MQTT.
    if (topic.kind !== 'telemetry' && topic.kind !== 'metric') return done()
    const { deviceId } = topic
    void this.#deps.directory.isRegistered(deviceId).then((isRegistered) => {
      if (isRegistered) return this.#store(sourceOf(attachment, deviceId), packet, topic, done)
      const detail = `it published readings of ${deviceId}, which is not registered`
      this.#deps.diagnostics.report({ ...whoIs(client, attachment), code: 'unknown_device', detail })
      attachment.endReason ??= 'protocol_error'
      done(new Error(detail))
    })
  }

  #store(source: Source, packet: PublishPacket, topic: Topic, done: () => void): void {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    acceptPublish(this.#deps, { source, packet, topic, payload, nowMs: Date.now(), done })
  }

  /** What must survive before the publisher is answered: the retained message, copies for absent subscribers. */
  async #keep({ client, attachment, packet }: Incoming): Promise<void> {
    if (packet.retain && packet.payload.length > 0 && !(await this.#mayRetain(client, attachment, packet)))
      packet.retain = false
    await this.#deps.sessions.keep(packet as Published)
  }

  async #mayRetain(client: Client, attachment: Attachment, { topic }: PublishPacket): Promise<boolean> {
    const { principal } = attachment
    const allowed =
      principal.kind === 'device' ? this.#deps.limits.deviceRetained : limits.sessions.integrationRetainedMax
    const { durable } = this.#deps.stores
    try {
      const value = await durable.retainedCount(topic)
      const total = await durable.retainedTotal()
      const isFull =
        total.messages >= limits.sessions.retainedMax || total.bytes >= limits.sessions.retainedBytesMax
      if (value < allowed && !isFull) return true
      for await (const _known of durable.retained([topic])) return true
      const who = whoIs(client, attachment)
      const limit = { name: 'retained messages', value: value + 1, allowed }
      const detail = `${topic} was delivered but not retained`
      this.#deps.diagnostics.report({ ...who, code: 'limit_retained', detail, limit })
      return false
    } catch {
      // The store is away: keep() waits for it.
      return true
    }
  }
}

function isReadings({ kind }: Topic): boolean {
  return kind === 'telemetry' || kind === 'metric'
}

function sourceOf(attachment: Attachment, deviceId: string): Source {
  attachment.sources ??= new Map()
  const known = attachment.sources.get(deviceId)
  if (known) return known
  const source = { deviceId, clock: new StampClock() }
  if (attachment.sources.size >= SOURCES_MAX) attachment.sources.clear()
  attachment.sources.set(deviceId, source)
  return source
}
