/** Looks at the programs all the time: what they take, and whether one ends that nobody ended. */
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@telltale/infra/storage/pool'
import type { Site } from '@telltale/infra/testing/product'
import { Lives, type Look } from './lives.ts'
import { PROGRAMS, type ProgramName, type Programs } from './programs.ts'

const EVERY_MS = 1_000
const QUERY_EVERY = 5
const PROBE_MS = 1_000

export class Watch {
  readonly lives = new Lives()
  /** Of the generator's own process, at most. */
  generatorBytes = 0
  /** Programs that ended by themselves. */
  readonly unexpected: string[] = []
  readonly #deps: { programs: Programs; site: Site; pool: Pool; nowMs: () => number }
  /** Seen at work: to end is their supervisor's business or ours, not their own. */
  readonly #working = new Map<number, ProgramName>()
  #isOver = false
  #running: Promise<void> | undefined

  constructor(deps: { programs: Programs; site: Site; pool: Pool; nowMs: () => number }) {
    this.#deps = deps
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      await this.#look(round)
      await sleep(EVERY_MS)
    }
  }

  async #look(round: number): Promise<void> {
    const { programs, pool, nowMs } = this.#deps
    const pids = await programs.pids()
    this.#missThose(pids)
    await this.#noteWorking(pids)
    const connections = round % QUERY_EVERY === 0 ? await countConnections(pool) : undefined
    this.generatorBytes = Math.max(this.generatorBytes, process.memoryUsage.rss())
    for (const program of PROGRAMS) {
      const pid = pids[program]
      if (pid === undefined) continue
      const [memory, descriptors] = await Promise.all([memoryOf(pid), descriptorsOf(pid)])
      this.lives.take({ program, pid, atMs: nowMs(), ...memory, descriptors, connections })
    }
  }

  #missThose(pids: Partial<Record<ProgramName, number>>): void {
    const { programs, nowMs } = this.#deps
    const alive = new Set(Object.values(pids))
    for (const [pid, program] of this.#working) {
      if (alive.has(pid)) continue
      this.#working.delete(pid)
      if (programs.ended.has(pid) || programs.isStopping) continue
      const said = programs.said.split('\n').filter((line) => line.includes(`the ${program} ended`))
      const last = said[said.length - 1] ?? ''
      this.unexpected.push(`${(nowMs() / 1_000).toFixed(1)} s: the ${program} ended by itself. ${last}`)
    }
  }

  async #noteWorking(pids: Partial<Record<ProgramName, number>>): Promise<void> {
    const { site } = this.#deps
    const ports: Record<ProgramName, number> = { broker: site.mqtt, api: site.http }
    for (const program of PROGRAMS) {
      const pid = pids[program]
      if (pid === undefined || this.#working.has(pid) || !(await listens(ports[program]))) continue
      const now = await this.#deps.programs.pids()
      if (now[program] === pid) this.#working.set(pid, program)
    }
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PROBE_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** Undefined once it is gone. */
async function memoryOf(pid: number): Promise<Pick<Look, 'rssBytes' | 'peakBytes'>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const bytesOf = (name: string) => {
    const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
    return kilobytes === undefined ? undefined : 1_024 * Number(kilobytes)
  }
  return { rssBytes: bytesOf('VmRSS'), peakBytes: bytesOf('VmHWM') }
}

async function descriptorsOf(pid: number): Promise<number | undefined> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => undefined))?.length
}

async function countConnections(pool: Pool): Promise<number | undefined> {
  const work = pool.query<{ n: number }>(
    `SELECT count(*) AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'telltale-%'
       AND application_name <> 'telltale-ledger'`,
  )
  // A server that is stopped answers when it goes on: whoever looks must not wait for it.
  const late = sleep(PROBE_MS, undefined, { ref: false })
  const answer = await Promise.race([work.catch(() => undefined), late])
  return answer ? answer.rows[0]?.n : undefined
}
