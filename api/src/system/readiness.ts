import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import {
  type DurabilitySetting,
  judgeDurability,
  readDurability,
  reportStorage,
} from '@telltale/infra/storage/report'
import type { Readiness } from '../contract/index.ts'
import type { Deps } from '../deps.ts'
import { version } from '../version.ts'
import { spoolWords } from './spool-words.ts'

/**
 * Ready means: this API can answer what it is asked, and what devices send is taken.
 *
 * So it is not ready while the database is away, although devices are served meanwhile: their messages are kept by the
 * brokers, but the API has nothing to answer reads with. Whoever restarts programs by probes should ask `/livez`; a
 * restart brings no database back, and would end the live streams that go on. It stays ready while messages wait on a
 * broker's disk or are being stored from there, which is what the spool is for; and is not when a spool is full, for
 * then publishers are held up, and a person has to know.
 */
export async function checkReadiness(
  deps: Deps,
  storageWatch: StorageWatch,
  isVerbose: boolean,
): Promise<Readiness> {
  const { database, link, totals } = deps
  // First, for it may take a while: the rest is said as it is when this answers.
  const storage = isVerbose
    ? await database.orAway(() => storageWatch.report()).catch(missing(deps))
    : undefined
  const told = totals.brokers()
  const spool = totals.spool()
  const checks = [
    check('database', !database.isAway, database.problem),
    check('broker', link.isUp, link.isUp ? undefined : 'not connected; retrying'),
    check('spool', spool?.state !== 'full', spoolWords(spool, told)),
  ]
  const ready = checks.every(({ ok }) => ok)
  if (!isVerbose) return { ready, version, checks, spool }
  // Not part of `ready`: an API that is taken out of service makes nothing safer.
  if (storage) checks.push(checkDurability(storage.durabilityJudged))
  const brokers = told.map((broker) => ({
    brokerId: broker.brokerId,
    startedAt: broker.startedAt,
    connections: broker.connections,
    messagesPerSecond: broker.messagesPerSecond,
    readingsTotal: broker.readingsTotal,
    rejectedTotal: broker.rejectedTotal,
    conflictsTotal: broker.conflictsTotal,
    commitP99Ms: broker.commitP99Ms,
    pendingRows: broker.pendingRows,
    spool: broker.spool ?? null,
  }))
  return { ready, version, checks, spool, ...(storage && { storage }), brokers }
}

type Check = Readiness['checks'][number]

function check(name: string, ok: boolean, detail: string | undefined): Check {
  return { name, ok, ...(detail !== undefined && { detail }) }
}

/** A sentence for each setting that breaks the promise, and for each that is worth a warning. */
function checkDurability(judged: readonly DurabilitySetting[]): Check {
  const detail = judged.filter(isNoteworthy).map(durabilityWords).join(' ')
  return check(
    'durability',
    judged.every(({ holds }) => holds),
    detail || undefined,
  )
}

function isNoteworthy({ holds, isUnusual }: DurabilitySetting): boolean {
  return !holds || isUnusual
}

function durabilityWords({ name, value, means }: DurabilitySetting): string {
  return `${name} is ${value || 'unknown'}: ${means}`
}

/** Once, at the start: whoever reads the log learns of it before anything is lost. */
export async function warnOfDurability({ pool, log }: Pick<Deps, 'pool' | 'log'>): Promise<void> {
  try {
    const judged = judgeDurability(await readDurability(pool)).filter(isNoteworthy)
    for (const setting of judged) log.warn({ holds: setting.holds }, durabilityWords(setting))
  } catch (err) {
    log.warn({ err }, 'the durability settings of the database could not be read')
  }
}

/** A report that fails must not make a working system look broken. */
const missing = (deps: Deps) => (err: unknown) => {
  if (deps.database.isAway) return undefined
  deps.log.warn({ err }, 'storage could not be described')
  return undefined
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
      durabilityJudged: judgeDurability(report.durability),
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
