import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { reportStorage } from '@telltale/infra/storage/report'
import type { Readiness } from '../contract/index.ts'
import type { Deps } from '../deps.ts'
import { version } from '../version.ts'

/** A probe wants an answer soon; a database that takes longer is as good as away. */
const DATABASE_TIMEOUT_MS = 2_000

export async function checkReadiness(
  deps: Deps,
  storageWatch: StorageWatch,
  isVerbose: boolean,
): Promise<Readiness> {
  const { pool, link } = deps
  const databaseProblem = await within(DATABASE_TIMEOUT_MS, pool.query('SELECT 1'))
  const checks: Readiness['checks'] = [
    {
      name: 'database',
      ok: databaseProblem === undefined,
      ...(databaseProblem && { detail: databaseProblem }),
    },
    { name: 'broker', ok: link.isUp, ...(!link.isUp && { detail: 'not connected; retrying' }) },
  ]
  const ready = checks.every(({ ok }) => ok)
  if (!isVerbose) return { ready, version, checks }
  const brokers = deps.totals.brokers().map((broker) => ({
    brokerId: broker.brokerId,
    startedAt: broker.startedAt,
    connections: broker.connections,
    messagesPerSecond: broker.messagesPerSecond,
    readingsTotal: broker.readingsTotal,
    rejectedTotal: broker.rejectedTotal,
    conflictsTotal: broker.conflictsTotal,
    commitP99Ms: broker.commitP99Ms,
    pendingRows: broker.pendingRows,
  }))
  const storage = databaseProblem === undefined ? await storageWatch.report().catch(missing(deps)) : undefined
  return { ready, version, checks, ...(storage && { storage }), brokers }
}

/** A report that fails must not make a working system look broken. */
const missing = (deps: Deps) => (err: unknown) => {
  deps.log.warn({ err }, 'storage could not be described')
  return undefined
}

/** The reason when `work` fails or takes too long; nothing internal, the log has the rest. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, `no answer within ${timeoutMs} ms`)
  })
  const outcome = work.then(
    () => undefined,
    () => 'cannot be reached',
  )
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer))
}

/** A look takes a while when there are thousands of chunks, and probes may ask often. */
const REPORT_MAX_AGE_MS = 60_000

/** Of one database; remembers the last report for a minute. */
export class StorageWatch {
  readonly #pool: Pool
  #report: Promise<NonNullable<Readiness['storage']>> | undefined
  #takenMs = 0

  constructor(pool: Pool) {
    this.#pool = pool
  }

  report(): Promise<NonNullable<Readiness['storage']>> {
    if (!this.#report || performance.now() - this.#takenMs > REPORT_MAX_AGE_MS) {
      this.#takenMs = performance.now()
      this.#report = this.#take()
      this.#report.catch(() => {
        this.#report = undefined
      })
    }
    return this.#report
  }

  async #take(): Promise<NonNullable<Readiness['storage']>> {
    const report = await reportStorage(this.#pool, await openEngine(this.#pool))
    const { compression } = report
    return {
      engine: report.engine,
      serverVersion: report.serverVersion,
      extensionVersion: report.extensionVersion,
      durability: report.durability,
      databaseBytes: report.databaseBytes,
      bytes: report.bytes,
      compression: compression && {
        ...compression,
        ratio: compression.afterBytes > 0 ? compression.beforeBytes / compression.afterBytes : null,
      },
      oldestReading: report.oldestReadingMs,
      newestReading: report.newestReadingMs,
      rollups: report.rollups.map(({ level, doneUntilMs }) => ({ level, doneUntil: doneUntilMs })),
      lateRanges: report.lateRanges,
      deletionsOpen: report.deletionsOpen,
      jobs: report.jobs.map(({ name, lastSuccessMs, ok }) => ({ name, lastSuccess: lastSuccessMs, ok })),
    }
  }
}
