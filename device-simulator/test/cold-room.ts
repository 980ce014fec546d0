import { filters, parseTopic, topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { connectAsync, type MqttClient } from 'mqtt'

export const coldRoomType = {
  metrics: {
    temperature: {
      ...{ label: 'Air', unit: '°C', decimals: 1 },
      thresholds: [{ above: -15, level: 'alarm' }],
    },
    humidity: { label: 'Humidity', unit: '%' },
  },
  commands: { 'set-point': { label: 'Set temperature' } },
}

interface Credentials {
  broker: string
  id: string
  secret: string
}

/** A device that says and answers what a test wants it to. */
export class ColdRoom {
  readonly id: string
  readonly #client: MqttClient

  private constructor(id: string, client: MqttClient) {
    this.id = id
    this.#client = client
  }

  static async connect({ broker, id, secret }: Credentials, releases: Releases): Promise<ColdRoom> {
    const options = { clientId: id, username: id, password: secret, reconnectPeriod: 0 }
    const client = await connectAsync(broker, options)
    releases.add(id, () => client.endAsync(true))
    await client.subscribeAsync(filters.commands(id), { qos: 1 })
    return new ColdRoom(id, client)
  }

  say(payload: unknown): Promise<unknown> {
    return this.sayText(JSON.stringify(payload))
  }

  sayText(text: string): Promise<unknown> {
    return this.#client.publishAsync(topics.telemetry(this.id), text, { qos: 1 })
  }

  /** The id of the next command it is sent. */
  nextCommand(): Promise<string> {
    return new Promise((resolve) => {
      this.#client.once('message', (topic) => {
        const parsed = parseTopic(topic)
        if (parsed.kind === 'command') resolve(parsed.commandId)
      })
    })
  }

  reply(commandId: string, body: object): Promise<unknown> {
    return this.#client.publishAsync(topics.reply(this.id, commandId), JSON.stringify(body), { qos: 1 })
  }

  async answerNext(body: object): Promise<void> {
    await this.reply(await this.nextCommand(), body)
  }

  /** In good order. */
  async leave(): Promise<void> {
    await this.#client.endAsync()
  }
}
