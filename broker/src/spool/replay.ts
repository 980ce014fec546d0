import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { isUnfinished, verdictOf } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { reportStatuses, type StatusReport } from '@telltale/infra/storage/sessions'
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

/** More than the pool has connections, so that none of them is idle meanwhile. */
const COMMANDS_AT_ONCE = 16

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
  /** The database took something promptly, or nothing waits any more. */
  onTaken: () => void
}

/** One piece of work on the database. It gets the number of its attempt, and may be done more than once. */
type Step = (attempt: number) => Promise<void>

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
  }

  /** Works until the spool is empty. */
  start(): void {
    if (this.#isStopped) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#deps.spool.state.messages > 0) this.start()
    })
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { spool } = this.#deps
    while (!this.#isStopped) {
      let chunk: Chunk | undefined
      let steps: Step[] = []
      const read = async () => {
        chunk = await spool.read(replayMessagesMax)
        steps = chunk ? this.#stepsOf(chunk) : []
      }
      if (!(await this.#insist(read))) return
      if (!chunk) return this.#deps.onTaken()
      const { end } = chunk
      for (const step of steps) if (!(await this.#insist(step, { isJudged: true }))) return
      if (!(await this.#insist(() => spool.remove(end)))) return
    }
  }

  /** Until it is done. @returns false when it is not, for this stops */
  async #insist(step: Step, { isJudged = false } = {}): Promise<boolean> {
    const { outage, log } = this.#deps
    for (let attempt = 0; !this.#isStopped; attempt++) {
      const startedMs = performance.now()
      try {
        await step(attempt)
        const tookMs = performance.now() - startedMs
        if (isJudged && tookMs < promptCommitMs) this.#deps.onTaken()
        // During an outage nobody else uses the database; and what hung with it says nothing of the next.
        if (isJudged && !outage.isOn && this.#deps.isBusy())
          await this.#rest(Math.min(tookMs, promptCommitMs) * replayRestRatio)
        return true
      } catch (error) {
        // An outage says so once; the rest of it would be the same line every two seconds.
        if (!outage.isOn || attempt === 0)
          log.warn(
            { err: error, verdict: verdictOf(error) },
            'what waits on disk could not be stored; trying again',
          )
        await this.#rest(backoffMs({ minMs, maxMs }, attempt))
      }
    }
    return false
  }

  /** In commits no larger than those of live messages, however much each record holds. */
  #stepsOf({ records }: Chunk): Step[] {
    const { store, pool, totals, outage } = this.#deps
    const messages: Message[] = []
    const replies: KeptReply[] = []
    const reports = new Map<number, StatusReport>()
    for (const record of records.map(decodeRecord))
      if (record.kind === 'message')
        messages.push({ ...record.message, lastDeletion: record.lastDeletion, stored: () => {} })
      else if (record.kind === 'reply') replies.push(record.reply)
      else reports.set(record.report.epoch, record.report)
    const steps: Step[] = inBatches(messages).map((batch) => async (number) => {
      await store.store(batch, { number, isLate: true })
      totals.replayed(batch)
      outage.replayed(batch.length)
    })
    for (const some of sideBySide(replies)) steps.push(() => this.#settleAll(some))
    if (reports.size > 0) steps.push(() => reportStatuses(pool, [...reports.values()], { isLate: true }))
    return steps
  }

  /** Those of one command in their order. */
  async #settleAll(commands: KeptReply[][]): Promise<void> {
    const inOrder = async (replies: KeptReply[]) => {
      for (const reply of replies) await this.#settle(reply)
    }
    // None goes on behind a step that failed and comes again.
    const settled = await Promise.allSettled(commands.map(inOrder))
    for (const one of settled) if (one.status === 'rejected') throw one.reason
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

/** Commands that are settled at a time, each with its replies. */
function sideBySide(replies: KeptReply[]): KeptReply[][][] {
  const byCommand = new Map<string, KeptReply[]>()
  for (const reply of replies) {
    const known = byCommand.get(reply.commandId)
    if (known) known.push(reply)
    else byCommand.set(reply.commandId, [reply])
  }
  const commands = [...byCommand.values()]
  const groups: KeptReply[][][] = []
  for (let i = 0; i < commands.length; i += COMMANDS_AT_ONCE)
    groups.push(commands.slice(i, i + COMMANDS_AT_ONCE))
  return groups
}

function inBatches(messages: Message[]): Message[][] {
  const batches: Message[][] = []
  let rows = Number.POSITIVE_INFINITY
  for (const message of messages) {
    if (rows >= limits.writer.batchRowsMax) {
      batches.push([])
      rows = 0
    }
    batches.at(-1)?.push(message)
    rows += message.rowCount
  }
  return batches
}
