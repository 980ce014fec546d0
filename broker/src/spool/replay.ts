import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { isUnfinished, verdictOf } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { reportStatuses } from '@telltale/infra/storage/sessions'
import { type Message, refusedReply } from '../batch.ts'
import type { BatchStore } from '../batch-store.ts'
import type { CommandDispatcher } from '../commands.ts'
import type { Totals } from '../totals.ts'
import type { Outage } from './outage.ts'
import { decodeRecord, type KeptReply } from './records.ts'
import type { Chunk, Spool } from './spool.ts'

const {
  replayMessagesMax,
  replayRestRatio,
  promptCommitMs,
  retryDelayMinMs: minMs,
  retryDelayMaxMs: maxMs,
} = limits.spool

export interface ReplayDeps {
  spool: Spool
  outage: Outage
  store: BatchStore
  pool: Pool
  totals: Totals
  log: Logger
  commands: CommandDispatcher
  /** Whether messages are being stored that did not wait. */
  isBusy: () => boolean
}

/**
 * Brings what waits in the spool into the database, the oldest first, and by that finds out whether it is back. Beside
 * live messages it rests most of the time, so that they keep their share of the database.
 */
export class Replay {
  readonly #deps: ReplayDeps
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(deps: ReplayDeps) {
    this.#deps = deps
    deps.outage.onKept = () => this.start()
  }

  /** Works until the spool is empty. */
  start(): void {
    if (this.#stop.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#deps.spool.state.messages > 0) this.start()
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#stop.signal.aborted; ) {
      const { spool, outage, log } = this.#deps
      const startedMs = performance.now()
      try {
        const chunk = await spool.read(replayMessagesMax)
        if (!chunk) return outage.end()
        await this.#replay(chunk, attempt)
        await spool.remove(chunk.end)
        outage.replayed(chunk.records.length)
        attempt = 0
      } catch (error) {
        // An outage says so once; the rest of it would be the same line every two seconds.
        if (!outage.isOn || attempt === 0)
          log.warn(
            { err: error, verdict: verdictOf(error) },
            'what waits on disk could not be stored; trying again',
          )
        await this.#rest(backoffMs({ minMs, maxMs }, attempt++))
        continue
      }
      const tookMs = performance.now() - startedMs
      if (tookMs < promptCommitMs) outage.end()
      if (this.#deps.isBusy()) await this.#rest(tookMs * replayRestRatio)
    }
  }

  async #replay({ records }: Chunk, attempt: number): Promise<void> {
    const { store, pool, totals } = this.#deps
    const decoded = records.map(decodeRecord)
    const messages: Message[] = decoded.flatMap((record) =>
      record.kind === 'message' ? [{ ...record.message, stored: () => {} }] : [],
    )
    if (messages.length > 0) await store.store(messages, { number: attempt, isLate: true })
    for (const record of decoded) if (record.kind === 'reply') await this.#settle(record.reply)
    const reports = new Map(
      decoded.flatMap((record) => (record.kind === 'status' ? [[record.report.epoch, record.report]] : [])),
    )
    if (reports.size > 0) await reportStatuses(pool, [...reports.values()], { isLate: true })
    totals.replayed(messages)
  }

  /** What the database refuses of it ends as a rejected message. */
  async #settle({ deviceId, commandId, payload }: KeptReply): Promise<void> {
    try {
      await this.#deps.commands.reply({ deviceId, commandId, isRepeated: true }, payload)
    } catch (error) {
      if (isUnfinished(error)) throw error
      const rejected = refusedReply({ deviceId, commandId, payload }, error as Error)
      await this.#deps.store.store([rejected], { number: 0, isLate: true })
    }
  }

  async #rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}
