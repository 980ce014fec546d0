import { topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { connectAsync, type MqttClient } from 'mqtt'
import type { SignedIn } from './session.ts'

export type Values = Record<string, number | string | boolean>

interface Where {
  broker: string
  admin: SignedIn
  releases: Releases
}

/** Readings in one message; a broker takes longer ones too, but devices have little memory. */
const BACKLOG_SIZE = 200

/** A device with a past: it sends a backlog of an hour when it connects, and speaks when it is told to. */
export class Oven {
  readonly id: string
  readonly #client: MqttClient

  private constructor(id: string, client: MqttClient) {
    this.id = id
    this.#client = client
  }

  static async connect({ broker, admin, releases }: Where, id: string, type?: string): Promise<Oven> {
    const device = { id, name: id, ...(type !== undefined && { type }) }
    const { secret } = await admin.send<{ secret: string }>('POST', '/devices', device)
    const client = await connectAsync(broker, {
      clientId: id,
      username: id,
      password: secret,
      reconnectPeriod: 0,
    })
    releases.add(id, () => client.endAsync(true))
    return new Oven(id, client)
  }

  /** One reading each `stepMs` from `forMs` ago until now, but for those that `valuesAt` has none for. */
  async remember(forMs: number, stepMs: number, valuesAt: (agoMs: number) => Values | null): Promise<void> {
    const now = Date.now()
    const past: { ts: number; values: Values }[] = []
    for (let ago = forMs; ago > 0; ago -= stepMs) {
      const values = valuesAt(ago)
      if (values !== null) past.push({ ts: now - ago, values })
    }
    for (let at = 0; at < past.length; at += BACKLOG_SIZE) await this.#send(past.slice(at, at + BACKLOG_SIZE))
  }

  async say(values: Values): Promise<void> {
    await this.#send(values)
  }

  async #send(payload: unknown): Promise<void> {
    await this.#client.publishAsync(topics.telemetry(this.id), JSON.stringify(payload), { qos: 1 })
  }
}
