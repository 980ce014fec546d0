/**
 * Many readers of live events, as a process of its own. Most only count; some, spread over all, parse every event and
 * hold it against the one before. The plan comes as JSON.
 */
import { answerWith } from './asking.ts'
import { percentiles } from './generator.ts'
import {
  type CountedStream,
  EventParser,
  openCountedStream,
  requestStream,
  type StreamRequest,
} from './live-events.ts'
import { type Mark, monotonicUs, readMark } from './marked-device.ts'

export interface CrowdPlan {
  url: string
  /** Reader after reader takes the next one, as many as the API gives one user streams. */
  tokens: string[]
  readersPerToken: number
  readers: number
  /** Device ids with commas; the readers take turns. */
  selections: string[]
  /** Place of the first reader's address among those of this machine, from 127.1.1.0 on. */
  firstAddress: number
  /** So many parse. */
  parsers: number
}

export interface CrowdOpened {
  seconds: number
  open: number
  /** What one of those said that are not. */
  refusal: string | undefined
}

export interface CrowdCount {
  /** Readings that arrived at all readers since the last `reset`. */
  events: number
  atUs: number
}

export interface CrowdLatency {
  count: number
  latencyP50Ms: number
  latencyP99Ms: number
}

/** Since the last `reset`. */
export interface CrowdCheck {
  /** Reader by reader. */
  eventsOfReaders: number[]
  /** At those who parse: events that are not the one after the last of their device. */
  outOfOrder: number
  /** At those who parse: the server said that something is missing. */
  resyncs: number
  /** Streams that ended by themselves since they opened. */
  closed: number
}

const OPENS_AT_ONCE = 20
const ADDRESSES_PER_BLOCK = 250

/** 127.1.1.1, 127.1.1.2, … 127.1.2.1: Linux answers for all of 127.0.0.0/8. */
export function loopbackAddress(place: number): string {
  return `127.1.${1 + Math.floor(place / ADDRESSES_PER_BLOCK)}.${1 + (place % ADDRESSES_PER_BLOCK)}`
}

/** What a reader that parses has seen: each device's messages must come one by one. */
export class MarkChecker {
  outOfOrder = 0
  private readonly last = new Map<string, number>()

  take({ deviceId, n }: Mark): void {
    const before = this.last.get(deviceId)
    if (before !== undefined && n !== before + 1) this.outOfOrder++
    this.last.set(deviceId, n)
  }
}

interface Reader {
  count: () => number
  /** Counted before the last `reset`. */
  before: number
}

class Crowd {
  private readonly plan: CrowdPlan
  /** Who is open, by place. */
  private readonly readers = new Map<number, Reader>()
  private checkers: MarkChecker[] = []
  private latenciesMs: number[] = []
  private resyncs = 0
  private closed = 0
  private refusal: string | undefined

  constructor(plan: CrowdPlan) {
    this.plan = plan
  }

  async open(): Promise<CrowdOpened> {
    const startMs = performance.now()
    let next = 0
    const work = async () => {
      for (let place = next++; place < this.plan.readers; place = next++) await this.openOne(place)
    }
    await Promise.all(Array.from({ length: OPENS_AT_ONCE }, work))
    const seconds = (performance.now() - startMs) / 1_000
    return { seconds, open: this.readers.size, refusal: this.refusal }
  }

  count(): CrowdCount {
    const events = this.eventsOfReaders().reduce((total, count) => total + count, 0)
    return { events, atUs: monotonicUs() }
  }

  /** Of what the parsers saw since the last time. */
  takeLatency(): CrowdLatency {
    const taken = this.latenciesMs
    this.latenciesMs = []
    return { count: taken.length, ...percentiles(taken) }
  }

  reset(): void {
    for (const reader of this.readers.values()) reader.before = reader.count()
    this.latenciesMs = []
    this.resyncs = 0
    for (const checker of this.checkers) checker.outOfOrder = 0
  }

  check(): CrowdCheck {
    return {
      eventsOfReaders: this.eventsOfReaders(),
      outOfOrder: this.checkers.reduce((total, { outOfOrder }) => total + outOfOrder, 0),
      resyncs: this.resyncs,
      closed: this.closed,
    }
  }

  private eventsOfReaders(): number[] {
    return Array.from({ length: this.plan.readers }, (_, place) => {
      const reader = this.readers.get(place)
      return reader ? reader.count() - reader.before : 0
    })
  }

  /** Counts from `hello` on: what a device sends after that belongs to the reader. */
  private async openOne(place: number): Promise<void> {
    const { url, tokens, readersPerToken, selections, firstAddress, readers, parsers } = this.plan
    const group = Math.floor(place / readersPerToken)
    const token = tokens[group] as string
    const devices = selections[place % selections.length] as string
    const localAddress = loopbackAddress(firstAddress + group)
    const asked: StreamRequest = { url, token, devices, localAddress }
    const isParser = place % Math.ceil(readers / parsers) === 0
    try {
      const stream = isParser ? await this.parse(asked) : await openCountedStream(asked, this.onClose)
      this.readers.set(place, { count: () => stream.count, before: 0 })
    } catch (error) {
      this.refusal = (error as Error).message
    }
  }

  private readonly onClose = () => {
    this.closed++
  }

  private async parse(asked: StreamRequest): Promise<CountedStream> {
    const response = await requestStream(asked)
    const parser = new EventParser()
    const checker = new MarkChecker()
    this.checkers.push(checker)
    const stream = { count: 0 }
    response.on('error', () => {})
    response.on('close', this.onClose)
    await new Promise<void>((resolve, reject) => {
      response.on('close', () => reject(new Error('the stream ended before hello')))
      response.on('data', (chunk: Buffer) => {
        const nowUs = monotonicUs()
        parser.take(chunk, ({ type, data }) => {
          if (type === 'hello') resolve()
          if (type === 'resync') this.resyncs++
          if (type !== 'reading') return
          stream.count++
          const mark = readMark(data)
          if (!mark) return
          checker.take(mark)
          this.latenciesMs.push((nowUs - mark.sentUs) / 1_000)
        })
      })
    })
    return stream
  }
}

export function serveCrowd(plan: CrowdPlan): void {
  const crowd = new Crowd(plan)
  answerWith({
    open: () => crowd.open(),
    reset: () => crowd.reset(),
    count: () => crowd.count(),
    latency: () => crowd.takeLatency(),
    check: () => crowd.check(),
  })
}
