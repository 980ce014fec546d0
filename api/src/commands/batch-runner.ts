import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import { backoffMs } from '@telltale/infra/retry'
import {
  type BatchTurn,
  holdUnstopped,
  listCancellable,
  listTurnDevices,
  noteBatchTurn,
  noteCancelTurn,
  readBatchPauseMs,
  type TurnDevice,
  type TurnResult,
  takeBatchTurn,
} from '@telltale/infra/storage/command-batch-turns'
import { isDataError, isTransient } from '@telltale/infra/storage/errors'
import { type Connection, inTransaction } from '@telltale/infra/storage/pool'
import type { Deps } from '../deps.ts'
import { ProblemError, problems } from '../problems.ts'
import { sendCommand, withdrawCommand } from './service.ts'

/** The pool is the runner's own, of at least two connections: a turn that waited for others would hold them up. */
type RunnerDeps = Pick<Deps, 'pool' | 'link' | 'hub' | 'log'>
type RunnerLimits = { [name in keyof typeof limits.commandBatches]: number }

/**
 * Makes the commands of batches, a few devices at a time. Every API runs one; a lock in the database gives one of them
 * the turn. The lock is held on one connection while the turn's commands are made on another: other turns pass it by,
 * and who stops the batch waits for it, holding a connection meanwhile. Whoever is killed in a turn leaves commands
 * whose ids the next one repeats.
 */
export class BatchRunner {
  readonly #deps: RunnerDeps
  readonly #limits: RunnerLimits
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0

  constructor(deps: RunnerDeps, limitsOfRunner: RunnerLimits = limits.commandBatches) {
    this.#deps = deps
    this.#limits = limitsOfRunner
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when the command being made is made and noted. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const pauseMs = await this.#next().catch((error: unknown) => this.#pauseAfter(error))
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  /** @returns how long to wait before the next turn */
  async #next(): Promise<number> {
    const { pool } = this.#deps
    const pauseMs = await readBatchPauseMs(pool, this.#spanMsMax)
    if (pauseMs === undefined) {
      this.#failures = 0
      return this.#limits.idleMs
    }
    if (pauseMs > 0) return pauseMs
    const { isMine, failure } = await inTransaction(pool, (db) => this.#turn(db))
    if (failure !== undefined) return this.#pauseAfter(failure)
    this.#failures = 0
    // Somebody else has the turn.
    return isMine ? 0 : this.#spanMsMax
  }

  async #turn(db: Connection): Promise<{ isMine: boolean; failure?: unknown }> {
    const turn = await takeBatchTurn(db, this.#spanMsMax)
    if (!turn) return { isMine: false }
    if (turn.isStopped) {
      await this.#cancel(db, turn)
      return { isMine: true }
    }
    const devices = await listTurnDevices(db, turn, this.#limits.turnCommandsMax)
    const { result, failure } = await this.#make(turn, devices)
    await noteBatchTurn(db, turn, result)
    return { isMine: true, failure }
  }

  /** Up to the first device whose command can be neither made nor refused now; it begins the next turn. */
  async #make(turn: BatchTurn, devices: TurnDevice[]): Promise<{ result: TurnResult; failure?: unknown }> {
    const { name, params, ttlMs, createdBy } = turn
    const result: TurnResult = { position: turn.position, refused: [], spanMs: this.#spanMs(devices.length) }
    for (const { position, deviceId, commandId } of devices) {
      if (this.#stopping.signal.aborted) break
      const request = { id: commandId, deviceId, name, params, ttlMs, createdBy }
      try {
        await sendCommand(this.#deps, request, (db) => holdUnstopped(db, turn.id))
      } catch (failure) {
        if (!isFinal(failure)) return { result, failure }
        const error = sentenceOf(failure)
        if (error !== undefined) result.refused.push({ position, error })
      }
      result.position = position + 1
    }
    return { result }
  }

  async #cancel(db: Connection, { id }: BatchTurn): Promise<void> {
    const commands = await listCancellable(db, id, this.#limits.turnCancelsMax)
    for (const command of commands) {
      if (this.#stopping.signal.aborted) break
      await withdrawCommand(this.#deps, command.id).catch(unlessGone)
    }
    await noteCancelTurn(db, id, commands.length === 0)
  }

  get #spanMsMax(): number {
    return this.#spanMs(this.#limits.turnCommandsMax)
  }

  #spanMs(commands: number): number {
    return (commands * 1_000) / this.#limits.commandsPerSecond
  }

  #pauseAfter(error: unknown): number {
    const { retryDelayMinMs: minMs, retryDelayMaxMs: maxMs } = this.#limits
    const isNews = this.#failures === 0 || !isTransient(error)
    const pauseMs = backoffMs({ minMs, maxMs }, this.#failures++)
    // What passes by itself is said once: while the database is away, every round of it fails.
    if (isNews) this.#deps.log.warn({ err: error, pauseMs }, 'commands of a batch wait')
    return pauseMs
  }
}

/** Trying again would not help: the device cannot take it, or the fault is ours. No device pays for what passes. */
function isFinal(error: unknown): boolean {
  if (error instanceof ProblemError) return problems[error.code][0] < 500
  return isDataError(error) || error instanceof TypeError || error instanceof RangeError
}

/** Undefined for a device that is gone: that is said of every device without command and error. */
function sentenceOf(error: unknown): string | undefined {
  const { code, fields } = error instanceof ProblemError ? error : new ProblemError('internal')
  if (code === 'device_not_found') return undefined
  const [, title, whatNext] = problems[code]
  if (!fields) return `${title}. ${whatNext}`
  return `${title}: ${fields.map(({ path, message }) => `${path} ${message}`).join('; ')}`
}

/** Sent, over or deleted in between. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ProblemError)) throw error
}
