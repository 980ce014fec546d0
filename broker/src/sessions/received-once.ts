import type { Insist } from './insist.ts'
import type { SessionStore } from './store.ts'

/** QoS 2 messages that come in: each packet id of a session is accepted once until it is released ([MQTT-4.3.3-2]). */
export class ReceivedOnce {
  readonly #insist: Insist
  /** Being accepted just now, by session and packet id. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(insist: Insist) {
    this.#insist = insist
  }

  /** @returns what `accept` did, and its packet id is kept unless that is an error; `again` when it was not called */
  async once<T>(
    { store, clientId, packetId }: { store: SessionStore; clientId: string; packetId: number },
    accept: () => Promise<T>,
  ): Promise<T | 'again'> {
    const key = `${clientId}#${packetId}`
    const earlier = this.#underWay.get(key)
    if (earlier) {
      await earlier
      return 'again'
    }
    const receive = async () => {
      if (await this.#insist(() => store.isReceived(clientId, packetId))) return 'again'
      const outcome = await accept()
      if (!(outcome instanceof Error)) await this.#insist(() => store.keepReceived(clientId, packetId))
      return outcome
    }
    const received = receive().finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, received)
    return received
  }
}
