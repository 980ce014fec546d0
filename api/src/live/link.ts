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

/**
 * The API's connection to the broker: a trusted MQTT client. A device's telemetry is subscribed only while somebody
 * watches it. Messages are nudges (rows are the truth), so a publish that fails costs latency only.
 */
export class Link {
  readonly #options: { url: string; secret: string; log: Logger }
  readonly #watched = new Map<string, Promise<void>>()
  readonly #untold = new Set<string>()
  #client: MqttClient | undefined
  #isUp = false
  #handlers: LinkHandlers | undefined
  #upWaiters: (() => void)[] = []

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

  /** Resolves when the broker has confirmed: from then on no message of this device is missed. */
  watch(deviceId: string): Promise<void> {
    const known = this.#watched.get(deviceId)
    if (known) return known
    const client = this.#isUp ? this.#client : undefined
    const subscribed = client ? this.#subscribe(client, deviceFilters(deviceId)) : this.#nextUp()
    // Lost in between: the next connection subscribes it with the others.
    const ready = subscribed.catch(() => this.#nextUp())
    this.#watched.set(deviceId, ready)
    return ready
  }

  unwatch(deviceId: string): void {
    this.#watched.delete(deviceId)
    if (this.#isUp) this.#client?.unsubscribe(deviceFilters(deviceId))
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

  #nextUp(): Promise<void> {
    return new Promise((resolve) => {
      this.#upWaiters.push(resolve)
    })
  }

  async #subscribeAll(client: MqttClient): Promise<void> {
    try {
      await this.#subscribe(
        client,
        ALWAYS.map((kind) => filters.platform(kind)),
      )
      await this.#subscribeWatched(client)
      this.#isUp = true
      this.#options.log.info('broker link up')
      for (const resolve of this.#upWaiters.splice(0)) resolve()
      for (const commandId of this.#untold) this.#publish(topics.platform('changed', commandId))
      this.#untold.clear()
      this.#handlers?.onUp()
    } catch (error) {
      // Refused, or lost in the middle: connecting again starts over.
      this.#options.log.warn({ err: error }, 'broker link: subscribing failed')
      client.stream.destroy()
    }
  }

  /** Until none is left: more may be watched while the broker answers. */
  async #subscribeWatched(client: MqttClient): Promise<void> {
    const done = new Set<string>()
    const missing = () => [...this.#watched.keys()].filter((id) => !done.has(id)).slice(0, DEVICES_PER_PACKET)
    for (let ids = missing(); ids.length > 0; ids = missing()) {
      await this.#subscribe(client, ids.flatMap(deviceFilters))
      for (const id of ids) done.add(id)
    }
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
