import { filters, parseTopic, topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { connectAsync, type MqttClient } from 'mqtt'
import type { SignedIn } from './session.ts'

export interface Received {
  deviceId: string
  name: string
  params: unknown
}

interface Where {
  broker: string
  admin: SignedIn
  releases: Releases
}

/** Devices that do what they are told, each on a connection of its own. */
export class Pumps {
  /** What they were sent since the last `take`, in the order it came. */
  readonly received: Received[] = []
  readonly #where: Where
  readonly #clients = new Map<string, MqttClient>()
  readonly #secrets = new Map<string, string>()

  constructor(where: Where) {
    this.#where = where
  }

  take(): Received[] {
    return this.received.splice(0)
  }

  async add(id: string, type?: string): Promise<void> {
    const device = { id, name: id.replace('pump-', 'Pump '), ...(type !== undefined && { type }) }
    const { secret } = await this.#where.admin.send<{ secret: string }>('POST', '/devices', device)
    this.#secrets.set(id, secret)
  }

  async connect(id: string): Promise<MqttClient> {
    const known = this.#clients.get(id)
    if (known !== undefined) return known
    const client = await connectAsync(this.#where.broker, {
      ...{ clientId: id, username: id, password: this.#secrets.get(id) ?? '', reconnectPeriod: 0 },
    })
    this.#clients.set(id, client)
    this.#where.releases.add(id, () => client.endAsync(true))
    client.on('message', (topic, payload) => {
      const parsed = parseTopic(topic)
      if (parsed.kind !== 'command') return
      const { name, params } = JSON.parse(payload.toString()) as { name: string; params: unknown }
      this.received.push({ deviceId: id, name, params })
      client.publish(topics.reply(id, parsed.commandId), '{"status":"succeeded"}', { qos: 1 })
    })
    await client.subscribeAsync(filters.commands(id), { qos: 1 })
    return client
  }

  async say(id: string, payload: string): Promise<void> {
    const client = await this.connect(id)
    await client.publishAsync(topics.telemetry(id), payload, { qos: 1 })
  }
}
