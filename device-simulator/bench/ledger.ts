/**
 * What each stage costs a broker under P1's load: the gate by leaving it out, in turns with the broker as built; all
 * stages by a CPU profile.
 */
import { join } from 'node:path'
import { Releases } from '@telltale/infra/service'
import { ask } from './asking.ts'
import { type Clock, FIFTY_BY_FIFTY, type Run, type RunPlan, runTelltale } from './p1-ingest.ts'
import { startStorm } from './p5-devices.ts'
import { type CpuProfile, type Profiled, sharesOf } from './profile.ts'
import { type Rounds, runRounds } from './rounds.ts'
import type { Database } from './servers.ts'
import { makeDevices, makeLoadDevices, PROBE, startBrokerFor } from './stack.ts'
import type { StormResult } from './storm.ts'
import { buildWithoutGate, REPOSITORY } from './without-gate.ts'

const SOURCE_MAP = join(REPOSITORY, 'broker', 'dist', 'main.js.map')

export const GATE_SIDES = ['with the gate', 'without'] as const

export interface LedgerResult {
  /** Of the two sides. */
  gate: Rounds
  profiled: (Profiled & { run: Run })[]
  /** While devices sign in and send nothing. */
  connects: Profiled & { storm: StormResult }
}

/** Some seconds of connects. */
const CONNECTS = 2_000

interface Plan {
  pairs: number
  seconds: number
  releases: Releases
  log(line: string): void
}

export async function runLedger(database: Database, plan: Plan): Promise<LedgerResult> {
  const { pairs: rounds, seconds, releases, log } = plan
  const devices = FIFTY_BY_FIFTY.connections
  const credentialsFile = await makeLoadDevices(database, { devices, releases })
  const clock: Clock = { lastTsMs: 0 }
  const runPlan: RunPlan = { shape: FIFTY_BY_FIFTY, seconds, clock }
  const gate = await compareGate(credentialsFile, database, { runPlan, rounds, releases, log })
  const profiled: LedgerResult['profiled'] = []
  for (let n = 1; n <= rounds; n++) {
    const found = await profile(credentialsFile, database, runPlan)
    profiled.push(found)
    log(`ledger, profile ${n}: gate ${(100 * (found.shares.gate ?? 0)).toFixed(1)} % of the broker's CPU`)
  }
  const connects = await profileConnects(database)
  log(`ledger, profile of connects: ${connects.storm.connected} in ${connects.storm.seconds.toFixed(1)} s`)
  return { gate, profiled, connects }
}

async function compareGate(
  credentialsFile: string,
  database: Database,
  plan: { runPlan: RunPlan; rounds: number; releases: Releases; log(line: string): void },
): Promise<Rounds> {
  const own = new Releases()
  plan.releases.add('brokers of the ledger', () => own.run())
  const script = await buildWithoutGate(own)
  const real = await startBrokerFor(credentialsFile, database, { releases: own })
  // With the id of the other, each would end the other's sessions.
  const env = { TELLTALE_BROKER_ID: 'bench-without-gate' }
  const bare = await startBrokerFor(credentialsFile, database, { releases: own, env, launch: { script } })
  const sides = [real, bare].map(({ target: telltale }, i) => ({
    name: GATE_SIDES[i] as string,
    run: () => runTelltale({ telltale, pool: database.pool }, plan.runPlan),
  }))
  const rounds = await runRounds(sides, { what: 'ledger', ...plan })
  await own.run()
  return rounds
}

/** A broker of its own for each: a profile also shows how much a fresh one still compiles. */
async function profile(
  credentialsFile: string,
  database: Database,
  plan: RunPlan,
): Promise<Profiled & { run: Run }> {
  const own = new Releases()
  try {
    const { broker, target } = await startBrokerFor(credentialsFile, database, {
      releases: own,
      launch: PROBE,
    })
    await ask(broker.program.process, 'startProfile')
    const edges = ['markProfile', 'stopProfile']
    let taken = undefined as CpuProfile | undefined
    // CPU is read when the measured span begins and when it ends: the profile covers the same span.
    const cpu = async () => {
      const used = await target.cpu()
      taken = await ask<CpuProfile>(broker.program.process, edges.shift() ?? '')
      return used
    }
    const run = await runTelltale({ telltale: { ...target, cpu }, pool: database.pool }, plan)
    if (!taken) throw new Error('the load ended before it was measured')
    return { run, ...(await sharesOf(taken, SOURCE_MAP)) }
  } finally {
    await own.run()
  }
}

/** Signing in is over before P1's messages are counted: its cost shows only here. */
async function profileConnects(database: Database): Promise<LedgerResult['connects']> {
  const own = new Releases()
  try {
    const plan = { prefix: 'connect-', devices: CONNECTS, releases: own }
    const credentials = await makeDevices(database, plan)
    const { broker } = await startBrokerFor(credentials, database, { releases: own, launch: PROBE })
    const storm = startStorm({ port: broker.port, credentials }, own)
    const { process: brokerProcess } = broker.program
    await ask(brokerProcess, 'startProfile')
    await ask(brokerProcess, 'markProfile')
    const result = await ask<StormResult>(storm, 'connect')
    const taken = await ask<CpuProfile>(brokerProcess, 'stopProfile')
    return { storm: result, ...(await sharesOf(taken, SOURCE_MAP)) }
  } finally {
    await own.run()
  }
}
