import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import type { Readiness } from '../contract/index.ts'
import type { Deps } from '../deps.ts'
import { version } from '../version.ts'

/** A probe wants an answer soon; a database that takes longer is as good as away. */
const DATABASE_TIMEOUT_MS = 2_000

/** Settings whose wrong value loses acknowledged readings when the machine fails. */
const DURABILITY_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit']

export async function checkReadiness(deps: Deps, isVerbose: boolean): Promise<Readiness> {
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
  const storage = databaseProblem === undefined ? { storage: await describeStorage(pool) } : {}
  return { ready, version, checks, ...storage, brokers }
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

async function describeStorage(pool: Pool): Promise<NonNullable<Readiness['storage']>> {
  const { rows } = await pool.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
    [['server_version', ...DURABILITY_SETTINGS]],
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  return {
    engine: (await openEngine(pool)).name,
    serverVersion: settings.get('server_version') ?? '',
    durability: Object.fromEntries(DURABILITY_SETTINGS.map((name) => [name, settings.get(name) ?? ''])),
  }
}
