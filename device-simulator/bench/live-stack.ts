/** What P3, P4, P8 and the sweep of readers stand on: the product, devices that play others, and crowds of readers. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Releases } from '@telltale/infra/service'
import { createToken } from '@telltale/infra/storage/tokens'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { ask } from './asking.ts'
import type { CrowdOpened, CrowdPlan } from './crowd.ts'
import type { Credential } from './generator.ts'
import { countReadings } from './p1-ingest.ts'
import { checkSteady, startChild } from './p5-devices.ts'
import type { Database } from './servers.ts'
import {
  makeLoadDevices,
  newCredential,
  PROBE,
  type Product,
  registerDevices,
  startBrokerFor,
} from './stack.ts'
import type { SteadyPhase, SteadyPlan, SteadyTotal } from './steady.ts'

export interface LiveProduct extends Product {
  database: Database
  api: TestApiProgram
  /** Of `LOAD_DEVICES` devices. */
  credentialsFile: string
}

/** Each sends 25 messages a second: a fleet, and not a few that send as fast as they can. */
export const LOAD_DEVICES = 200
export const LOAD_MESSAGES_PER_SECOND = 5_000
const WARM_UP_MS = 2_000
/** A moment after what was measured before. */
const END_DEADLINE_MS = 10_000

/** Broker and API, both with the probe. */
export async function startLive(database: Database, releases: Releases): Promise<LiveProduct> {
  const credentialsFile = await makeLoadDevices(database, { devices: LOAD_DEVICES, releases })
  const product = await startBrokerFor(credentialsFile, database, { releases, launch: PROBE })
  const api = await startTestApi(database, product.broker, {}, PROBE)
  releases.add('api', () => api.program.stop())
  return { ...product, database, api, credentialsFile }
}

export async function registerMarked(database: Database, ids: readonly string[]): Promise<Credential[]> {
  const credentials = ids.map(newCredential)
  await registerDevices(database.pool, credentials)
  return credentials
}

export interface Load {
  process: ChildProcess
  /** Resolves when it has ended, with what it waited for its PUBACKs, and with what went wrong. */
  end(): Promise<{ beside: SteadyPhase; violations: string[] }>
}

/** Other devices that send in an open loop, warmed up. */
export async function startLoad(
  { broker, database, credentialsFile }: LiveProduct,
  releases: Releases,
): Promise<Load> {
  const plan: SteadyPlan = {
    port: broker.port,
    credentials: credentialsFile,
    messagesPerSecond: LOAD_MESSAGES_PER_SECOND,
    // Their clocks run slower than ours: what one run sends is older than what the next begins with.
    startTsMs: Date.now(),
  }
  const child = startChild('steady', plan, releases)
  await ask(child, 'ready')
  await sleep(WARM_UP_MS)
  await ask(child, 'begin')
  return {
    process: child,
    end: async () => {
      const beside = await ask<SteadyPhase>(child, 'end')
      const total = await ask<SteadyTotal>(child, 'finish')
      await endChild(child)
      const stored = await countReadings(database.pool, plan.startTsMs)
      await database.pool.query('CHECKPOINT')
      return { beside, violations: checkSteady(total, stored) }
    },
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(END_DEADLINE_MS) })
  child.kill()
  await exited
}

/** Below what the API gives one user, and one address. */
const READERS_PER_TOKEN = 16
/** Of each crowd; enough to see what no count shows, few enough to cost little. */
export const PARSERS = 10

export interface Crowd {
  process: ChildProcess
  opened: CrowdOpened
  violations: string[]
  leave(): Promise<void>
}

/** Real HTTP streams from many users and addresses; resolves when all have got `hello`. */
export async function gather(
  { api, database }: LiveProduct,
  { readers, selections, firstAddress = 0 }: { readers: number; selections: string[]; firstAddress?: number },
  releases: Releases,
): Promise<Crowd> {
  const users = Math.ceil(readers / READERS_PER_TOKEN)
  const tokens: string[] = []
  for (let n = 0; n < users; n++) {
    const name = `crowd-${firstAddress + n}`
    const { token } = await createToken(database.pool, { name, role: 'viewer', createdBy: 'bench' })
    tokens.push(token)
  }
  const plan: CrowdPlan = {
    url: api.url,
    tokens,
    readersPerToken: READERS_PER_TOKEN,
    readers,
    selections,
    firstAddress,
    parsers: Math.min(PARSERS, readers),
  }
  const child = startChild('crowd-main', plan, releases)
  const opened = await ask<CrowdOpened>(child, 'open')
  return {
    process: child,
    opened,
    violations:
      opened.open < readers ? [`${opened.open} of ${readers} streams opened (${opened.refusal})`] : [],
    leave: () => endChild(child),
  }
}
