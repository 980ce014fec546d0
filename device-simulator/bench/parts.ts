/** The parts of the bench: what each stands on, and how its findings become a section of the page. */
import type { Releases } from '@telltale/infra/service'
import { runP1, type ShapeResult, violations } from './p1-ingest.ts'
import { runP2 } from './p2-rows.ts'
import { runP6 } from './p6-charts.ts'
import { runP7 } from './p7-bytes.ts'
import { reportIngest, reportRows } from './report.ts'
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
  { parts: ['p6'], run: measureCharts },
  { parts: ['p7'], run: measureBytes },
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

async function measureCharts({ server, pairs, ...plan }: Context): Promise<Outcome[]> {
  const database = await createDatabase(server, plan.releases)
  const result = await runP6(database, { ...plan, rounds: pairs })
  return [{ part: 'p6', violations: result.violations, ...reportCharts(result, server.engine) }]
}

async function measureBytes({ server, ...plan }: Context): Promise<Outcome[]> {
  return [{ part: 'p7', violations: [], ...reportBytes(await runP7(server, plan)) }]
}

async function measureSweep({ server, ...plan }: Context): Promise<Outcome[]> {
  return [{ part: 'sweep', violations: [], ...reportSweep(await runSweep(server, plan)) }]
}
