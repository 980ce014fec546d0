/** The parts of the bench: what each stands on, and how its findings become a section of the page. */
import type { Releases } from '@telltale/infra/service'
import { runBrokers } from './brokers.ts'
import { runLedger } from './ledger.ts'
import { hasChromium, hasRedis } from './machine.ts'
import { runP1, type ShapeResult, violations } from './p1-ingest.ts'
import { runP1Redis } from './p1-redis.ts'
import { runP2 } from './p2-rows.ts'
import { runP3 } from './p3-live.ts'
import { runP4 } from './p4-fanout.ts'
import { runP5 } from './p5-devices.ts'
import { runP6 } from './p6-charts.ts'
import { runP7 } from './p7-bytes.ts'
import { runP8 } from './p8-commands.ts'
import { runP9 } from './p9-dashboard.ts'
import { runReaders } from './readers.ts'
import { reportIngest, reportRows } from './report.ts'
import { reportBrokers, reportRedis } from './report-broker.ts'
import { reportDashboard } from './report-dashboard.ts'
import { reportDevices } from './report-devices.ts'
import { reportFanout, reportReaders } from './report-fanout.ts'
import { reportLedger } from './report-ledger.ts'
import { reportCommands, reportLive } from './report-live.ts'
import { reportBytes, reportCharts, reportSweep } from './report-storage.ts'
import type { Part, Section } from './results.ts'
import { createDatabase, type Server } from './servers.ts'
import { startBroker, startMosquitto } from './stack.ts'
import { runSweep } from './sweep.ts'

interface Context {
  server: Server
  /** Of the parts that run together. */
  wanted: Part[]
  pairs: number
  seconds: number
  scale: number
  releases: Releases
  log(line: string): void
}

/** What a part found, and what must not have happened while it did. */
export interface Outcome extends Pick<Section, 'part' | 'verdicts' | 'text'> {
  violations: string[]
}

/** Parts that share a database run together. */
export const WORK: { parts: readonly Part[]; run(context: Context): Promise<Outcome[]> }[] = [
  { parts: ['p1', 'p2'], run: measureIngest },
  { parts: ['p1-redis'], run: measureRedis },
  { parts: ['brokers'], run: measureBrokers },
  { parts: ['ledger'], run: measureLedger },
  { parts: ['p3'], run: measureLive },
  { parts: ['p4'], run: measureFanout },
  { parts: ['p5'], run: measureDevices },
  { parts: ['p6'], run: measureCharts },
  { parts: ['p7'], run: measureBytes },
  { parts: ['p8'], run: measureCommands },
  { parts: ['p9'], run: measureDashboard },
  { parts: ['readers'], run: measureReaders },
  { parts: ['sweep'], run: measureSweep },
]

/** As many as the widest shape of P1 has connections. */
const DEVICES = 500

async function measureIngest({ server, wanted, releases, ...plan }: Context): Promise<Outcome[]> {
  const database = await createDatabase(server, releases)
  const outcomes: Outcome[] = []
  let shapes: ShapeResult[] | undefined
  if (wanted.includes('p1')) {
    const { target } = await startBroker(database, { devices: DEVICES, releases })
    const mosquitto = await startMosquitto(database, releases)
    shapes = await runP1({ telltale: target, mosquitto, pool: database.pool }, plan)
    const found = violations(shapes.flatMap(({ pairs }) => pairs.map(({ telltale }) => telltale)))
    outcomes.push({
      part: 'p1',
      violations: found,
      ...(await reportIngest(shapes, { ...plan, violations: found })),
    })
  }
  if (wanted.includes('p2')) {
    const rows = await runP2(database.pool, plan.log)
    outcomes.push({ part: 'p2', violations: [], ...reportRows(rows, shapes) })
  }
  return outcomes
}

async function measureRedis({ server, ...plan }: Context): Promise<Outcome[]> {
  if (!hasRedis()) return leaveOut(plan)
  const shapes = await runP1Redis(await createDatabase(server, plan.releases), plan)
  const found = violations(shapes.flatMap(({ rounds }) => rounds.flat()))
  return [{ part: 'p1-redis', violations: found, ...reportRedis(shapes, { ...plan, violations: found }) }]
}

/** As P1 leaves mosquitto out. */
function leaveOut({ wanted, log }: Pick<Context, 'wanted' | 'log'>): [] {
  log(`${wanted.join(', ')}: not measured, redis-server is not installed`)
  return []
}

async function measureBrokers({ server, ...plan }: Context): Promise<Outcome[]> {
  if (!hasRedis()) return leaveOut(plan)
  const watched = await runBrokers(await createDatabase(server, plan.releases), plan)
  const found = violations(watched.flatMap(({ rounds }) => rounds.flat()))
  return [{ part: 'brokers', violations: found, ...reportBrokers(watched, { ...plan, violations: found }) }]
}

async function measureLedger({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runLedger(await createDatabase(server, plan.releases), plan)
  const { refused, refusal } = result.connects.storm
  const found = [
    ...violations([...result.gate.flat(), ...result.profiled.map(({ run }) => run)]),
    ...(refused > 0 ? [`${refused} connects refused (${refusal})`] : []),
  ]
  return [{ part: 'ledger', violations: found, ...reportLedger(result, { ...plan, violations: found }) }]
}

async function measureLive({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runP3(await createDatabase(server, plan.releases), plan)
  return [{ part: 'p3', violations: result.violations, ...reportLive(result) }]
}

async function measureFanout({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runP4(await createDatabase(server, plan.releases), plan)
  return [{ part: 'p4', violations: result.violations, ...reportFanout(result) }]
}

async function measureDevices({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runP5(await createDatabase(server, plan.releases), plan)
  return [{ part: 'p5', violations: result.violations, ...reportDevices(result) }]
}

async function measureCharts({ server, pairs, ...plan }: Context): Promise<Outcome[]> {
  const database = await createDatabase(server, plan.releases)
  const result = await runP6(database, { ...plan, rounds: pairs })
  return [{ part: 'p6', violations: result.violations, ...reportCharts(result, server.engine) }]
}

async function measureBytes({ server, ...plan }: Context): Promise<Outcome[]> {
  return [{ part: 'p7', violations: [], ...reportBytes(await runP7(server, plan)) }]
}

async function measureCommands({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runP8(await createDatabase(server, plan.releases), plan)
  return [{ part: 'p8', violations: result.violations, ...reportCommands(result) }]
}

async function measureDashboard({ server, pairs, ...plan }: Context): Promise<Outcome[]> {
  if (!hasChromium()) {
    plan.log('p9: not measured, chromium is not installed')
    return []
  }
  const result = await runP9(await createDatabase(server, plan.releases), { ...plan, rounds: pairs })
  return [{ part: 'p9', violations: result.violations, ...reportDashboard(result) }]
}

async function measureReaders({ server, ...plan }: Context): Promise<Outcome[]> {
  const result = await runReaders(await createDatabase(server, plan.releases), plan)
  return [{ part: 'readers', violations: result.violations, ...reportReaders(result) }]
}

async function measureSweep({ server, ...plan }: Context): Promise<Outcome[]> {
  return [{ part: 'sweep', violations: [], ...reportSweep(await runSweep(server, plan)) }]
}
