import { Readable } from 'node:stream'
import memory from 'aedes-persistence'
import { filterMatches } from './contract/index.ts'

interface RetainedPacket {
  topic: string
  payload: Buffer
}

/** The part of aedes' persistence that keeps retained messages. */
interface RetainedPersistence {
  storeRetained(packet: RetainedPacket): Promise<void>
  createRetainedStream(filter: string): Readable
  createRetainedStreamCombi(filters: string[]): Readable
}

/**
 * MQTT sessions in memory: aedes' own store, except for retained messages. That one scans every retained topic at
 * every SUBSCRIBE, 25 ms at 50,000 topics; ours are grouped by device, so a device's own filters see only its own.
 */
export function createSessionStore(): object {
  const retained = new RetainedMessages()
  const overrides: RetainedPersistence = {
    storeRetained: async (packet) => retained.store(packet),
    createRetainedStream: (filter) => Readable.from(retained.find([filter])),
    createRetainedStreamCombi: (filters) => Readable.from(retained.find(filters)),
  }
  return Object.assign(memory(), overrides)
}

export class RetainedMessages {
  /** First two levels (`devices/{id}`) → topic → message. */
  readonly #groups = new Map<string, Map<string, RetainedPacket>>()

  /** An empty payload removes the topic's message ([MQTT-3.3.1-10]). */
  store(packet: RetainedPacket): void {
    const key = groupOf(packet.topic)
    const group = this.#groups.get(key) ?? new Map<string, RetainedPacket>()
    if (packet.payload.length > 0) {
      // A copy: the packet goes on to subscribers and may be changed on the way.
      group.set(packet.topic, { ...packet })
      this.#groups.set(key, group)
      return
    }
    group.delete(packet.topic)
    if (group.size === 0) this.#groups.delete(key)
  }

  *find(filters: string[]): Iterable<RetainedPacket> {
    for (const filter of filters)
      for (const group of this.#candidates(filter))
        for (const packet of group.values()) if (filterMatches(filter, packet.topic)) yield packet
  }

  /** Filters with both levels spelt out can only match inside one group; `a/b/#` matches `a/b` too, of the same. */
  #candidates(filter: string): Iterable<Map<string, RetainedPacket>> {
    const key = groupOf(filter)
    if (key.includes('+') || key.includes('#')) return this.#groups.values()
    const group = this.#groups.get(key)
    return group ? [group] : []
  }
}

function groupOf(topicOrFilter: string): string {
  return topicOrFilter.split('/', 2).join('/')
}
