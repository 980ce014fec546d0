import { filterMatches } from '../contract/index.ts'
import type { RetainedMessage } from './store.ts'

/** Retained messages in memory, grouped by their first two levels, so a device's own filters see only its own. */
export class RetainedMessages {
  /** First two levels (`devices/{id}`) → topic → message. */
  readonly #groups = new Map<string, Map<string, RetainedMessage>>()
  readonly total = { messages: 0, bytes: 0 }

  /** An empty payload removes the topic's message ([MQTT-3.3.1-10]). */
  store({ topic, payload, qos }: RetainedMessage): void {
    const key = groupOf(topic)
    const group = this.#groups.get(key) ?? new Map<string, RetainedMessage>()
    this.#count(group.get(topic), -1)
    if (payload.length > 0) {
      // A copy: the payload is a slice of whatever the socket delivered, and would keep all of it in memory.
      group.set(topic, { topic, payload: Buffer.from(payload), qos })
      this.#count(group.get(topic), 1)
      this.#groups.set(key, group)
      return
    }
    group.delete(topic)
    if (group.size === 0) this.#groups.delete(key)
  }

  *find(filters: string[]): Generator<RetainedMessage> {
    for (const [i, filter] of filters.entries())
      for (const message of this.#matching(filter)) if (isFirstMatch(filters, i, message.topic)) yield message
  }

  count(topic: string): number {
    return this.#groups.get(groupOf(topic))?.size ?? 0
  }

  /** @returns the topics that were in the group */
  forget(topic: string): string[] {
    const key = groupOf(topic)
    const messages = [...(this.#groups.get(key)?.values() ?? [])]
    for (const message of messages) this.#count(message, -1)
    const topics = messages.map(({ topic }) => topic)
    this.#groups.delete(key)
    return topics
  }

  #count(message: RetainedMessage | undefined, change: 1 | -1): void {
    if (!message) return
    this.total.messages += change
    this.total.bytes += change * (message.topic.length + message.payload.length)
  }

  *#matching(filter: string): Iterable<RetainedMessage> {
    const key = groupOf(filter)
    if (!hasWildcard(filter)) {
      const message = this.#groups.get(key)?.get(filter)
      if (message) yield message
      return
    }
    const group = this.#groups.get(key)
    // Filters with both levels spelt out can only match inside one group; `a/b/#` matches `a/b` too, of the same.
    const candidates = hasWildcard(key) ? this.#groups.values() : group ? [group] : []
    for (const candidate of candidates)
      for (const message of candidate.values()) if (filterMatches(filter, message.topic)) yield message
  }
}

export function groupOf(topicOrFilter: string): string {
  return topicOrFilter.split('/', 2).join('/')
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/** A message that several filters match is sent for the first of them only. */
export function isFirstMatch(filters: string[], index: number, topic: string): boolean {
  return !filters.slice(0, index).some((filter) => filterMatches(filter, topic))
}
