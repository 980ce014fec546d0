import type { Client, Subscription } from 'aedes'
import { generate, type ISubscribePacket } from 'mqtt-packet'
import { beforeSubscribe } from './aedes-client.ts'

/** SUBACK's code for a refused filter. */
const REFUSED = 0x80

/**
 * A SUBSCRIBE that names a filter twice gets one code for each all the same ([MQTT-3.9.3-1]). aedes answers only the
 * last of them, so those packets lose their id before it sees them (it answers none without), and are answered here.
 */
export class DoubledFilters {
  readonly #waiting = new WeakMap<Client, { messageId: number; wanted: { topic: string; qos: number }[] }[]>()

  watch(client: Client): void {
    beforeSubscribe(client, (packet) => {
      const wanted = packet.subscriptions.map(({ topic, qos }) => ({ topic, qos }))
      const { messageId } = packet
      if (messageId === undefined || new Set(wanted.map(({ topic }) => topic)).size === wanted.length) return
      const waiting = this.#waiting.get(client) ?? []
      this.#waiting.set(client, [...waiting, { messageId, wanted }])
      delete (packet as Partial<ISubscribePacket>).messageId
    })
  }

  /** aedes has granted `subscriptions`, each filter once. */
  answer(client: Client, subscriptions: Subscription[]): void {
    const waiting = this.#waiting.get(client)
    const granted = new Map(subscriptions.map(({ topic, qos }) => [topic, qos as number]))
    const at = waiting?.findIndex(
      ({ wanted }) => wanted.length > granted.size && wanted.every(({ topic }) => granted.has(topic)),
    )
    if (!waiting || at === undefined || at === -1) return
    const [{ messageId, wanted }] = waiting.splice(at, 1) as [(typeof waiting)[number]]
    const codes = wanted.map(({ topic, qos }) => (granted.get(topic) === REFUSED ? REFUSED : qos))
    client.conn.write(generate({ cmd: 'suback', messageId, granted: codes }))
  }
}
