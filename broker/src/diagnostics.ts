import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { isTransient } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import {
  type GatheredProblem,
  type ProblemLimit,
  pruneProblems,
  recordProblems,
} from '@telltale/infra/storage/problems'
import type { ProblemCode, ProblemCounts } from './contract/index.ts'
import { Trouble } from './trouble.ts'

const { nameCharsMax, detailCharsMax, gatheredMax, flushMs, pruneMs, logLinesPerMinute } = limits.problems
const MINUTE_MS = 60_000

export interface Problem {
  code: ProblemCode
  /** What the client says it is. */
  deviceId?: string
  clientId?: string
  address?: string | null
  /** What was particular about it; never a secret. */
  detail: string
  limit?: ProblemLimit
}

/**
 * Why connections were refused, and which limits were hit: counted, logged, and written to the database about once a
 * second, where people look. Clients decide how much comes in and what it says, so nothing here grows with it.
 */
export class Diagnostics {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #trouble: Trouble
  readonly #counts: ProblemCounts = {}
  readonly #lines = new Map<ProblemCode, { sinceMs: number; written: number; suppressed: number }>()
  #gathered = new Map<string, GatheredProblem>()
  #prunedMs = performance.now()
  #isGrown = false
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #isStopped = false

  constructor(deps: { pool: Pool; log: Logger }) {
    this.#pool = deps.pool
    this.#log = deps.log
    this.#trouble = new Trouble(deps.log, 'connection problems could not be written')
  }

  start(): void {
    this.#plan()
  }

  /** Writes what is left, if the database is there. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#flush()
  }

  /** Never throws and never waits. */
  report(problem: Problem): void {
    this.#counts[problem.code] = (this.#counts[problem.code] ?? 0) + 1
    const now = new Date()
    this.#gather({
      code: problem.code,
      deviceId: storable(problem.deviceId, nameCharsMax),
      address: storable(problem.address, nameCharsMax),
      clientId: storable(problem.clientId, nameCharsMax),
      detail: storable(problem.detail, detailCharsMax) ?? '',
      limit: problem.limit ?? null,
      count: 1,
      firstAt: now,
      lastAt: now,
    })
    this.#tell(problem)
  }

  /** By code, since the start. */
  takeCounts(): ProblemCounts {
    return { ...this.#counts }
  }

  /** What does not fit is only counted. */
  #gather(problem: GatheredProblem): void {
    const key = JSON.stringify([problem.deviceId, problem.address, problem.code])
    const known = this.#gathered.get(key)
    if (known) this.#gathered.set(key, joined(known, problem))
    else if (this.#gathered.size < gatheredMax) this.#gathered.set(key, problem)
  }

  #tell({ code, deviceId, clientId, address, detail, limit }: Problem): void {
    const lines = this.#lines.get(code) ?? { sinceMs: performance.now(), written: 0, suppressed: 0 }
    this.#lines.set(code, lines)
    if (lines.written >= logLinesPerMinute) {
      lines.suppressed++
      return
    }
    lines.written++
    const who = {
      deviceId: storable(deviceId, nameCharsMax),
      clientId: storable(clientId, nameCharsMax),
      address,
    }
    this.#log.info({ code, ...who, limit, detail: storable(detail, detailCharsMax) }, 'connection problem')
  }

  #endMinutes(): void {
    const now = performance.now()
    for (const [code, { sinceMs, suppressed }] of this.#lines) {
      if (now - sinceMs < MINUTE_MS) continue
      this.#lines.delete(code)
      if (suppressed > 0)
        this.#log.info({ code, suppressed }, 'further connection problems of the last minute')
    }
  }

  #plan(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#endMinutes()
      this.#flushing = this.#flush().finally(() => this.#plan())
    }, flushMs)
  }

  async #flush(): Promise<void> {
    const problems = [...this.#gathered.values()]
    this.#gathered = new Map()
    try {
      if (problems.length > 0) {
        await recordProblems(this.#pool, problems)
        this.#isGrown = true
        this.#trouble.worked()
      }
    } catch (err) {
      this.#trouble.failed(err, { problems: problems.length })
      if (isTransient(err)) this.#putBack(problems)
    }
    await this.#prune().catch((err: unknown) => this.#log.warn({ err }, 'connection problems not pruned'))
  }

  /** It reads all of them, so not without need; those too old are not listed anyway. */
  async #prune(): Promise<void> {
    if (!this.#isGrown || performance.now() - this.#prunedMs < pruneMs) return
    this.#prunedMs = performance.now()
    this.#isGrown = false
    await pruneProblems(this.#pool)
  }

  /** For the next second. What came meanwhile is only counted when there is no room for all. */
  #putBack(problems: GatheredProblem[]): void {
    const newer = this.#gathered
    this.#gathered = new Map()
    for (const problem of problems) this.#gather(problem)
    for (const problem of newer.values()) this.#gather(problem)
  }
}

function joined(older: GatheredProblem, newer: GatheredProblem): GatheredProblem {
  return { ...newer, count: older.count + newer.count, firstAt: older.firstAt }
}

/** What PostgreSQL can hold, and no more than that many characters of it; null for nothing. */
function storable(text: string | null | undefined, charsMax: number): string | null {
  if (text === undefined || text === null || text === '') return null
  const kept = text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text
  return kept.toWellFormed().replaceAll('\0', '\uFFFD')
}
