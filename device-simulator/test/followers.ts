/** Clients of the live API as a script would write them: by server-sent events, and by long polling. */
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@telltale/infra/storage/pool'

type Value = number | boolean | string

/** `metric time` → value; booleans as the 0 and 1 they are stored as. */
export type Known = Map<string, number | string>

/** What is read, as whom, and since when. */
export interface Following {
  origin: string
  headers: Record<string, string>
  deviceId: string
  fromMs: number
}

export interface LiveEvent {
  id: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: events of every type
  data: any
}

interface Readings {
  bucketMs: number | null
  truncated: boolean
  series: Record<string, { t: number[]; value: Value[] }>
}

const AHEAD_MS = 300_000
const RETRY_MS = 150
/** A server pings every 15 s; one that says nothing for longer is gone. */
const SILENCE_MS = 20_000
const POLL_WAIT_S = 5

/** Everything stored of one device since `fromMs`. */
export async function storedReadings(pool: Pool, { deviceId, fromMs }: Following): Promise<Known> {
  const { rows } = await pool.query<{ key: string; value: number | string }>(
    `SELECT s.metric || ' ' || (extract(epoch FROM r.time) * 1000)::bigint AS key, to_json(r.value) AS value
     FROM series s JOIN reading r ON r.series_id = s.id
     WHERE s.device_id = $1 AND r.time >= to_timestamp($2::float8 / 1000)
     UNION ALL
     SELECT s.metric || ' ' || (extract(epoch FROM r.time) * 1000)::bigint, to_json(r.value)
     FROM series s JOIN reading_text r ON r.series_id = s.id
     WHERE s.device_id = $1 AND r.time >= to_timestamp($2::float8 / 1000)`,
    [deviceId, fromMs],
  )
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/** What is missing, wrong or invented, one line each. */
export function differences(known: Known, stored: Known): string[] {
  const missing = [...stored].filter(([key, value]) => known.get(key) !== value)
  const invented = [...known.keys()].filter((key) => !stored.has(key))
  return [
    ...missing.map(([key, value]) => `${key} is ${value}, shown is ${known.get(key) ?? 'nothing'}`),
    ...invented.map((key) => `${key} is shown and not stored`),
  ]
}

/** History and live readings joined as a page joins them: by identity, and anew after `hello` and every `resync`. */
abstract class Follower {
  readonly known: Known = new Map()
  readonly events: LiveEvent[] = []
  /** The same identity with another value, and events that came again with an id already seen. */
  readonly wrong: string[] = []
  protected readonly following: Following
  protected readonly ended = new AbortController()
  #newestMs = 0
  readonly #seen = new Set<string>()
  readonly #work = new Set<Promise<void>>()

  constructor(following: Following) {
    this.following = following
  }

  start(): this {
    this.track(this.run())
    return this
  }

  async stop(): Promise<void> {
    this.ended.abort()
    await Promise.all(this.#work)
  }

  count(type: string): number {
    return this.events.filter((event) => event.type === type).length
  }

  /** Of the newest reading that came live. */
  get newestMs(): number {
    return this.#newestMs
  }

  /** Of one command, in the order they came. */
  statuses(commandId: string): string[] {
    const ofIt = this.events.filter(({ type, data }) => type === 'command' && data.id === commandId)
    return ofIt.map(({ data }) => data.status)
  }

  protected abstract run(): Promise<void>

  protected get isOver(): boolean {
    return this.ended.signal.aborted
  }

  protected track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked))
    this.#work.add(tracked)
  }

  protected receive(event: LiveEvent): void {
    this.events.push(event)
    if (event.type === 'resync') this.track(this.refetch())
    if (event.type !== 'reading') return
    if (this.#seen.has(event.id)) this.wrong.push(`event ${event.id} came twice`)
    this.#seen.add(event.id)
    this.#newestMs = Math.max(this.#newestMs, event.data.time)
    for (const [metric, value] of Object.entries(event.data.values as Record<string, Value>))
      this.#learn(`${metric} ${event.data.time}`, value)
  }

  /** Until it is answered: what it would tell is told by nothing else. */
  protected async refetch(): Promise<void> {
    const { origin, headers, deviceId, fromMs } = this.following
    const range = `from=${fromMs}&to=${Date.now() + AHEAD_MS}&bucket=raw&maxPoints=10000`
    while (!this.isOver) {
      const answer = await ask<Readings>(`${origin}/api/v1/devices/${deviceId}/readings?${range}`, {
        headers,
        signal: this.ended.signal,
      })
      if (answer === undefined) {
        await sleep(RETRY_MS)
        continue
      }
      if (answer.bucketMs !== null || answer.truncated) throw new Error('the window is too small to compare')
      for (const [metric, { t, value }] of Object.entries(answer.series))
        for (const [i, time] of t.entries()) this.#learn(`${metric} ${time}`, value[i] as Value)
      return
    }
  }

  #learn(key: string, value: Value): void {
    const plain = typeof value === 'boolean' ? Number(value) : value
    const known = this.known.get(key)
    if (known !== undefined && known !== plain) this.wrong.push(`${key} was ${known}, then ${plain}`)
    this.known.set(key, plain)
  }
}

/** Undefined for anything but an answer: cut off, refused, a server that is starting. */
async function ask<T>(
  url: string,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal },
): Promise<T | undefined> {
  try {
    const answer = await fetch(url, {
      // A connection of its own: a load balancer chooses anew each time.
      headers: { ...headers, connection: 'close' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(SILENCE_MS)]),
    })
    const body = (await answer.json()) as T
    return answer.ok ? body : undefined
  } catch {
    return undefined
  }
}

export class SseFollower extends Follower {
  /** The events of each connection so far. */
  readonly connections: LiveEvent[][] = []
  #lastId = ''
  #response: IncomingMessage | undefined

  get isOpen(): boolean {
    return this.#response !== undefined
  }

  protected async run(): Promise<void> {
    while (!this.isOver) {
      await this.#stream().catch(() => {})
      this.#response = undefined
      if (!this.isOver) await sleep(RETRY_MS)
    }
  }

  async #stream(): Promise<void> {
    const response = await this.#request()
    this.connections.push([])
    let rest = ''
    for await (const text of response.setEncoding('utf8')) {
      const frames = (rest + text).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) this.#frame(frame, response)
    }
  }

  #request(): Promise<IncomingMessage> {
    const { origin, deviceId } = this.following
    const headers = { ...this.following.headers, ...(this.#lastId && { 'last-event-id': this.#lastId }) }
    const { signal } = this.ended
    return new Promise((resolve, reject) => {
      const url = `${origin}/api/v1/events?devices=${deviceId}`
      const request = get(url, { headers, agent: false, signal, timeout: SILENCE_MS }, (response) => {
        if (response.statusCode === 200) return resolve(response)
        response.destroy()
        reject(new Error(`refused: ${response.statusCode}`))
      })
      request.on('timeout', () => request.destroy())
      request.on('error', reject)
    })
  }

  #frame(frame: string, response: IncomingMessage): void {
    const fields = new Map(frame.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]))
    const data = fields.get('data')
    if (data === undefined) return
    const event = { id: fields.get('id') ?? '', type: fields.get('event') ?? '', data: JSON.parse(data) }
    const isFirst = this.#lastId === ''
    this.#lastId = event.id
    this.#response = response
    this.connections.at(-1)?.push(event)
    if (isFirst) this.track(this.refetch())
    this.receive(event)
  }
}

export class PollFollower extends Follower {
  #cursor = ''

  protected async run(): Promise<void> {
    const { origin, headers, deviceId } = this.following
    while (!this.isOver) {
      const query = `devices=${deviceId}&wait=${POLL_WAIT_S}${this.#cursor && `&cursor=${this.#cursor}`}`
      const answer = await ask<{ events: LiveEvent[]; cursor: string }>(
        `${origin}/api/v1/events/poll?${query}`,
        { headers, signal: this.ended.signal },
      )
      if (answer === undefined) await sleep(RETRY_MS)
      else this.#answer(answer)
    }
  }

  #answer({ events, cursor }: { events: LiveEvent[]; cursor: string }): void {
    if (this.#cursor === '') this.track(this.refetch())
    this.#cursor = cursor
    for (const event of events) this.receive(event)
  }
}
