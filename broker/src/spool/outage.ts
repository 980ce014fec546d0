import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { isUnfinished } from '@telltale/infra/storage/errors'
import type { SpoolState } from '../contract/index.ts'
import { afterOwnTime } from '../own-time.ts'
import { refusalOf, type SpoolRefusal } from './disk-errors.ts'
import { encodeRecord, type SpoolRecord } from './records.ts'
import { Shares } from './shares.ts'
import type { Spool } from './spool.ts'

const { engageAfterMs, retryDelayMinMs: minMs, retryDelayMaxMs: maxMs, wordsBytesPerDeviceMax } = limits.spool
const BACKOFF = { minMs, maxMs }

/**
 * Whether what must be kept goes to the database or to the broker's own disk. It begins when the database has not taken
 * a batch for two seconds, and ends when it takes one promptly again.
 */
export class Outage {
  readonly #spool: Spool
  /** Replies and status words wait apart, for the way back through millions of readings takes longer than they have. */
  readonly #words: Spool
  readonly #shares = new Shares(wordsBytesPerDeviceMax)
  readonly #log: Logger
  readonly #onChange = new Set<() => void>()
  #isOn = false
  #sinceMs = 0
  /** Those that took nothing the last time, and why. */
  readonly #refused = new Map<Spool, SpoolRefusal>()
  #spooled = 0
  #replayed = 0
  /** Called when messages, or words, wait on disk. */
  onKept: () => void = () => {}
  onWordKept: () => void = () => {}

  constructor({ spool, words, log }: { spool: Spool; words: Spool; log: Logger }) {
    this.#spool = spool
    this.#words = words
    this.#log = log
  }

  /** New messages go to the spool. */
  get isOn(): boolean {
    return this.#isOn
  }

  /** Calls `listener` at each beginning and end. */
  onChange(listener: () => void): void {
    this.#onChange.add(listener)
  }

  begin(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#sinceMs = performance.now()
    this.#log.warn('the database does not take what comes in; it is kept on disk and acknowledged')
    for (const listener of this.#onChange) listener()
  }

  end(): void {
    if (!this.#isOn) return
    this.#isOn = false
    this.#refused.clear()
    const seconds = Math.round((performance.now() - this.#sinceMs) / 1_000)
    const { messages } = this.#spool.state
    this.#log.warn({ seconds, messages }, 'the database is back; what was kept on disk goes there now')
    for (const listener of this.#onChange) listener()
  }

  /** @returns whether they are on disk; when there is no room, or the disk fails, they are not */
  async keep(records: SpoolRecord[], oldestReceivedMs: number): Promise<boolean> {
    if (!(await this.#append(this.#spool, records.map(encodeRecord), oldestReceivedMs))) return false
    this.#spooled += records.length
    this.onKept()
    return true
  }

  /** Words that wait, of this life or a former one: those that come now must not overtake them. */
  get areWordsWaiting(): boolean {
    return this.#words.state.messages > 0
  }

  /** The same for one reply or status word. */
  async #keepWord(deviceId: string, word: SpoolRecord): Promise<boolean> {
    const record = encodeRecord(word)
    if (!this.areWordsWaiting) this.#shares.clear()
    if (!this.#shares.take(deviceId, record.length)) return false
    if (!(await this.#append(this.#words, [record], Date.now()))) return false
    this.onWordKept()
    return true
  }

  async #append(spool: Spool, records: Buffer[], oldestReceivedMs: number): Promise<boolean> {
    try {
      await spool.append(records, oldestReceivedMs)
    } catch (error) {
      const refusal = refusalOf(error)
      if (this.#refused.get(spool)?.reason !== refusal.reason)
        this.#log.error({ err: refusal }, this.#sentenceOf(spool))
      this.#refused.set(spool, refusal)
      return false
    }
    if (this.#refused.delete(spool)) this.#log.warn('the spool takes messages again')
    return true
  }

  #sentenceOf(spool: Spool): string {
    if (spool === this.#spool) return 'the spool takes nothing more; publishers are not read'
    return 'the spool of replies and status words takes nothing more; they wait for the database'
  }

  /**
   * Does one piece of work on the database, or writes down that it is to be done. Resolves when either is so.
   * @param deviceId whose word it is
   * @param work gets the number of the attempt; it may be done more than once, and be under way when this resolves
   * @throws what the database refuses
   */
  async doOrKeep(
    deviceId: string,
    record: SpoolRecord,
    work: (attempt: number) => Promise<void>,
  ): Promise<void> {
    const keep = () => this.#keepWord(deviceId, record)
    if ((this.#isOn || this.areWordsWaiting) && (await keep())) return
    const patience = this.#beginPatience()
    try {
      for (let attempt = 0; ; attempt++) {
        const trying = work(attempt).then(() => 'done' as const, unfinished)
        // Should it fail after this has resolved, nobody waits for it any more.
        trying.catch(() => {})
        if ((await Promise.race([trying, patience.end])) === 'done') return
        if (patience.isOver() && (await keep())) return
        if ((await trying) === 'done') return
        await sleep(backoffMs(BACKOFF, attempt))
      }
    } finally {
      patience.stop()
    }
  }

  /** It ends after two seconds, or when an outage begins. */
  #beginPatience(): { end: Promise<'over'>; isOver: () => boolean; stop: () => void } {
    let isOver = false
    let over: () => void = () => {}
    const end = new Promise<'over'>((resolve) => {
      over = () => {
        isOver = true
        resolve('over')
      }
    })
    const listener = () => {
      if (this.#isOn) over()
    }
    const cancel = afterOwnTime(engageAfterMs, over)
    this.#onChange.add(listener)
    const stop = () => {
      cancel()
      this.#onChange.delete(listener)
    }
    return { end, isOver: () => isOver, stop }
  }

  replayed(messages: number): void {
    this.#replayed += messages
  }

  state(): SpoolState {
    const readings = this.#spool.state
    const words = this.#words.state
    const messages = readings.messages + words.messages
    const oldest = [readings, words].map(
      ({ oldestReceivedMs }) => oldestReceivedMs ?? Number.POSITIVE_INFINITY,
    )
    const oldestMs = Math.min(...oldest)
    const state = this.#word(messages)
    const refusal = state === 'full' ? this.#refused.get(this.#spool)?.reason : undefined
    return {
      state,
      ...(refusal && { refusal }),
      messages,
      words: words.messages,
      // Of messages: words are few, and would hide how full a small spool is.
      bytes: readings.bytes,
      bytesMax: readings.bytesMax,
      oldestAt: Number.isFinite(oldestMs) ? oldestMs : null,
      spooledTotal: this.#spooled,
      replayedTotal: this.#replayed,
      damagedBytes: readings.damagedBytes + words.damagedBytes,
    }
  }

  #word(messages: number): SpoolState['state'] {
    if (this.#isOn) return this.#refused.has(this.#spool) ? 'full' : 'taking'
    return messages > 0 ? 'replaying' : 'empty'
  }
}

function unfinished(error: unknown): 'unfinished' {
  if (isUnfinished(error)) return 'unfinished'
  throw error
}
