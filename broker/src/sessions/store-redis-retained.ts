import { filterMatches } from '../contract/index.ts'
import type { RetainedMessage } from './store.ts'
import { decodeMessage, encodeMessage } from './store-encoding.ts'
import type { ScriptedRedis } from './store-redis-scripts.ts'
import { groupOf, hasWildcard, isFirstMatch } from './store-retained.ts'

/** All groups, in the order of their names, so that those below one first level are neighbours. */
const GROUPS = 'retained-groups'
/** Groups looked into at a time, and messages of one group. */
const GROUPS_AT_ONCE = 50
const MESSAGES_AT_ONCE = 200

/** Retained messages in Redis: a hash for each two first levels, and an index of these for wildcards there. */
export class RedisRetained {
  readonly #redis: ScriptedRedis

  constructor(redis: ScriptedRedis) {
    this.#redis = redis
  }

  async store(message: RetainedMessage): Promise<void> {
    const { topic, payload } = message
    const group = groupOf(topic)
    const value = payload.length > 0 ? encodeMessage({ ...message, retain: true }) : ''
    await this.#redis.telltaleRetain(groupKey(group), GROUPS, topic, group, value)
  }

  async *find(filters: string[]): AsyncGenerator<RetainedMessage> {
    for (const [i, filter] of filters.entries())
      for await (const message of this.#matching(filter))
        if (isFirstMatch(filters, i, message.topic)) yield message
  }

  async count(topic: string): Promise<number> {
    return this.#redis.hlen(groupKey(groupOf(topic)))
  }

  async groupCount(): Promise<number> {
    return this.#redis.zcard(GROUPS)
  }

  async forget(topic: string): Promise<void> {
    const group = groupOf(topic)
    const results = await this.#redis.multi().del(groupKey(group)).zrem(GROUPS, group).exec()
    for (const [error] of results ?? []) if (error) throw error
  }

  async *#matching(filter: string): AsyncGenerator<RetainedMessage> {
    if (!hasWildcard(filter)) {
      const value = await this.#redis.hgetBuffer(groupKey(groupOf(filter)), filter)
      if (value) yield toRetained(value)
      return
    }
    for await (const groups of this.#groups(filter))
      for await (const message of this.#inGroups(groups))
        if (filterMatches(filter, message.topic)) yield message
  }

  /** @returns the groups in which messages may match, a few at a time */
  async *#groups(filter: string): AsyncGenerator<string[]> {
    const [first = '', second] = filter.split('/')
    if (!hasWildcard(groupOf(filter))) {
      yield [groupOf(filter)]
      return
    }
    // `a/+/…` and `a/#` match below `a/` only; and `a/#` matches `a`, a group of its own.
    if (second === '#') yield [first]
    const prefix = hasWildcard(first) ? '' : `${first}/`
    const end = Buffer.concat([Buffer.from(`[${prefix}`), Buffer.of(0xff)])
    let from = prefix === '' ? '-' : `[${prefix}`
    for (;;) {
      const groups = await this.#redis.zrangebylex(GROUPS, from, end, 'LIMIT', 0, GROUPS_AT_ONCE)
      if (groups.length > 0) yield groups
      if (groups.length < GROUPS_AT_ONCE) return
      from = `(${groups.at(-1)}`
    }
  }

  async *#inGroups(groups: string[]): AsyncGenerator<RetainedMessage> {
    const firstPages = await Promise.all(groups.map((group) => this.#page(group, '0')))
    for (const [i, group] of groups.entries()) {
      let page = firstPages[i] as Page
      // A hash that changes while it is scanned may show a field twice.
      const seen = new Set<string>()
      for (;;) {
        for (const message of page.messages) {
          if (!seen.has(message.topic)) yield message
          seen.add(message.topic)
        }
        if (page.next === '0') break
        page = await this.#page(group, page.next)
      }
    }
  }

  async #page(group: string, cursor: string): Promise<Page> {
    const [next, fields] = await this.#redis.hscanBuffer(groupKey(group), cursor, 'COUNT', MESSAGES_AT_ONCE)
    return { next: next.toString(), messages: fields.filter((_, i) => i % 2 === 1).map(toRetained) }
  }
}

interface Page {
  next: string
  messages: RetainedMessage[]
}

function groupKey(group: string): string {
  return `retained:${group}`
}

function toRetained(value: Buffer): RetainedMessage {
  const { topic, payload, qos } = decodeMessage(value)
  return { topic, payload, qos }
}
