import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { filters, type PlatformKind, parseTopic, topics } from '@telltale/broker/contract'
import type { Logger } from '@telltale/infra/log'
import { connect, type MqttClient } from 'mqtt'
import type { HubEvent } from './events.ts'

const PLATFORM_USERNAME = '$telltale'
const ALWAYS: PlatformKind[] = ['presence', 'commands', 'rejected', 'totals']
/** In one SUBSCRIBE after a reconnect: large enough to be quick, small enough for any packet limit. */
const DEVICES_PER_PACKET = 50
const RECONNECT_MS = 1_000
/** Ids of commands that wait for the broker; the oldest go first. */
const UNTOLD_MAX = 1_000

export interface LinkHandlers {
  /** A message on one of the platform's topics, or a device's telemetry. */
  onMessage: (message: LinkMessage) => void
  /** Everything is subscribed (again): what was sent in between is lost. */
  onUp: () => void
}

export type LinkMessage =
  | { kind: 'readings'; deviceId: string; payload: Buffer }
  | { kind: Exclude<HubEvent['type'], 'reading' | 'resync'> | 'totals'; payload: Buffer }

interface Watched {
  onReady: () => void
  isReady: boolean
}

/**
 * The API's connection to the broker: a trusted MQTT client. A device's telemetry is subscribed only while somebody
 * watches it. Messages are nudges (rows are the truth), so a publish that fails costs latency only.
 */
export class Link {
  readonly #options: { url: string; secret: string; log: Logger }
  readonly #watched = new Map<string, Watched>()
  readonly #untold = new Set<string>()
  #client: MqttClient | undefined
  #isUp = false
  #handlers: LinkHandlers | undefined

  constructor(options: { url: string; secret: string; log: Logger }) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connects and stays connected, retrying for ever; never throws for a broker that is not there. */
  start(handlers: LinkHandlers): void {
    const { url, secret, log } = this.#options
    this.#handlers = handlers
    const client = connect(url, {
      username: PLATFORM_USERNAME,
      password: secret,
      clientId: `api-${randomBytes(6).toString('hex')}`,
      clean: true,
      reconnectPeriod: RECONNECT_MS,
      connectTimeout: 5_000,
      // Subscribed by #subscribeAll, which waits for the SUBACKs.
      resubscribe: false,
      queueQoSZero: false,
    })
    this.#client = client
    client.on('connect', () => {
      // A nudge must not wait for the acknowledgement of what was written before it.
      if (client.stream instanceof Socket) client.stream.setNoDelay(true)
      void this.#subscribeAll(client)
    })
    client.on('close', () => {
      if (this.#isUp) log.warn('broker link lost')
      this.#isUp = false
    })
    client.on('error', (error) => log.warn({ err: error }, 'broker link'))
    client.on('message', (topic, payload) => this.#receive(topic, payload))
  }

  async stop(): Promise<void> {
    this.#isUp = false
    await this.#client?.endAsync(true)
  }

  /** Until `unwatch`. Calls `onReady` once, when the broker has confirmed: from then on no message of it is missed. */
  watch(deviceId: string, onReady: () => void): void {
    const watched = { onReady, isReady: false }
    this.#watched.set(deviceId, watched)
    const client = this.#isUp ? this.#client : undefined
    if (!client) return
    this.#subscribe(client, deviceFilters(deviceId)).then(
      () => this.#confirm(deviceId, watched),
      // Lost in between: the next connection subscribes it with the others.
      () => {},
    )
  }

  unwatch(deviceId: string): void {
    this.#watched.delete(deviceId)
    // Also while the others are being subscribed: this one may be already.
    if (this.#client?.connected) this.#client.unsubscribe(deviceFilters(deviceId))
  }

  /** This device has commands to send. Without a connection nobody is told: the broker looks by itself. */
  nudge(deviceId: string): void {
    if (this.#client?.connected) this.#publish(topics.platform('nudge', deviceId))
  }

  /** This command was queued or cancelled here: the other APIs hear it from the broker, now or when it is back. */
  tell(commandId: string): void {
    if (this.#client?.connected) return this.#publish(topics.platform('changed', commandId))
    this.#untold.add(commandId)
    const oldest = this.#untold.values().next()
    if (this.#untold.size > UNTOLD_MAX && !oldest.done) this.#untold.delete(oldest.value)
  }

  /** Close this device's connection. */
  revoked(deviceId: string): void {
    this.#publish(topics.platform('revoked', deviceId))
  }

  #publish(topic: string): void {
    this.#client?.publish(topic, '', { qos: 1 }, (error) => {
      if (error) this.#options.log.warn({ err: error, topic }, 'not published')
    })
  }

  #comeUp(): void {
    this.#isUp = true
    this.#options.log.info('broker link up')
    for (const [id, watched] of [...this.#watched]) this.#confirm(id, watched)
    for (const commandId of this.#untold) this.#publish(topics.platform('changed', commandId))
    this.#untold.clear()
    this.#handlers?.onUp()
  }

  /** One that was unwatched meanwhile, or watched anew, is not confirmed by an older answer. */
  #confirm(deviceId: string, watched: Watched): void {
    if (this.#watched.get(deviceId) !== watched || watched.isReady) return
    watched.isReady = true
    watched.onReady()
  }

  async #subscribeAll(client: MqttClient): Promise<void> {
    try {
      await this.#subscribe(
        client,
        ALWAYS.map((kind) => filters.platform(kind)),
      )
      await this.#subscribeWatched(client)
    } catch (error) {
      // Refused, or lost in the middle: connecting again starts over.
      this.#options.log.warn({ err: error }, 'broker link: subscribing failed')
      client.stream.destroy()
    }
  }

  /**
   * Until none is left: more may be watched while the broker answers. Up in the same moment: a device watched after it
   * is subscribed by itself.
   */
  async #subscribeWatched(client: MqttClient): Promise<void> {
    // By watch, not by id: a device may be unwatched and watched again meanwhile.
    const done = new Set<Watched>()
    const missing = () =>
      [...this.#watched].filter(([, watched]) => !done.has(watched)).slice(0, DEVICES_PER_PACKET)
    for (let next = missing(); next.length > 0; next = missing()) {
      for (const [, watched] of next) done.add(watched)
      await this.#subscribe(
        client,
        next.flatMap(([id]) => deviceFilters(id)),
      )
    }
    this.#comeUp()
  }

  async #subscribe(client: MqttClient, wanted: string[]): Promise<void> {
    await client.subscribeAsync(wanted, { qos: 0 })
  }

  #receive(topicName: string, payload: Buffer): void {
    const topic = parseTopic(topicName)
    if (topic.kind === 'telemetry')
      return this.#handlers?.onMessage({ kind: 'readings', deviceId: topic.deviceId, payload })
    if (topic.kind !== 'platform') return
    switch (topic.about) {
      case 'readings':
        return this.#handlers?.onMessage({ kind: 'readings', deviceId: topic.id, payload })
      case 'commands':
        return this.#handlers?.onMessage({ kind: 'command', payload })
      case 'presence':
      case 'rejected':
      case 'totals':
        return this.#handlers?.onMessage({ kind: topic.about, payload })
      // Sent by us, for the broker.
      case 'nudge':
      case 'changed':
      case 'revoked':
    }
  }
}

function deviceFilters(deviceId: string): string[] {
  return [topics.telemetry(deviceId), topics.platform('readings', deviceId)]
}
