import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import {
  type ClockReading,
  correctCommandClock,
  readCommandClock,
} from '@telltale/infra/storage/command-clock'
import type { Pool } from '@telltale/infra/storage/pool'
import { startStopwatch } from './stopwatch.ts'

interface Compared extends ClockReading {
  /** By our stopwatch. */
  atMs: number
}

/** How far a time may be off and still count as in order. */
const TOLERANCE_MS = limits.commands.clockJumpMs / 2

/**
 * The time in which deadlines of commands are kept: it goes on when the wall clock of the database is set. `check`
 * compares that clock with a stopwatch. They part by a little: the database is followed. They part by more than a
 * second: its clock was set, and is corrected, once for all brokers.
 * What happened before the first reading nobody measured: rows of an earlier life are taken by the clock as it is.
 */
export class CommandClock {
  readonly #deps: { pool: Pool; log: Logger }
  readonly #elapsedMs: () => number
  #last: Compared | undefined
  #checking: Promise<Compared> | undefined

  /** @param elapsedMs the stopwatch */
  constructor(deps: { pool: Pool; log: Logger }, elapsedMs = startStopwatch()) {
    this.#deps = deps
    this.#elapsedMs = elapsedMs
  }

  /** Milliseconds. Asks the database the first time only. */
  async now(): Promise<number> {
    const { nowMs, atMs } = this.#last ?? (await this.check())
    return nowMs + this.#elapsedMs() - atMs
  }

  check(): Promise<Compared> {
    this.#checking ??= this.#check()
      .then((compared) => {
        this.#last = compared
        return compared
      })
      .finally(() => {
        this.#checking = undefined
      })
    return this.#checking
  }

  async #check(): Promise<Compared> {
    const startMs = this.#elapsedMs()
    const reading = await readCommandClock(this.#deps.pool)
    const uncertainMs = (this.#elapsedMs() - startMs) / 2
    const read = { ...reading, atMs: startMs + uncertainMs }
    const last = this.#last
    // Another broker has corrected it.
    if (!last || last.aheadMs !== read.aheadMs) return read
    const expectedMs = last.nowMs + read.atMs - last.atMs
    const differenceMs = read.nowMs - expectedMs
    if (Math.abs(differenceMs) > limits.commands.clockJumpMs + uncertainMs)
      return this.#correct(last, read, Math.round(differenceMs))
    return Math.abs(differenceMs) > uncertainMs ? read : { ...read, nowMs: expectedMs }
  }

  async #correct(last: Compared, read: Compared, jumpMs: number): Promise<Compared> {
    const { pool, log } = this.#deps
    const { aheadMs } = read
    const nowMs = read.nowMs - jumpMs
    const range = { fromMs: last.nowMs - TOLERANCE_MS, toMs: nowMs + TOLERANCE_MS }
    const isOurs = await correctCommandClock(pool, { jumpMs, aheadMs, sinceSeq: last.seq, ...range })
    // Another broker was first: the next look takes what it wrote.
    if (!isOurs) return last
    log.warn({ jumpMs }, "the database's clock jumped; deadlines of commands do not move with it")
    return { ...read, nowMs, aheadMs: aheadMs - jumpMs }
  }
}
