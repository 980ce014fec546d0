/** The product's processes: ended and stopped by us, or by themselves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { processesOf } from '@telltale/infra/testing/processes'
import type { Product, Site } from '@telltale/infra/testing/product'
import { waitFor } from '@telltale/infra/testing/wait'

export const PROGRAMS = ['broker', 'api'] as const
export type ProgramName = (typeof PROGRAMS)[number]

export interface Stop {
  what: ProgramName | 'product'
  tookMs: number
  /** Of the product; of a program its supervisor knows. */
  code: number | null | undefined
}

const APPEARS_WITHIN_MS = 30_000
const GONE_WITHIN_MS = 30_000

export class Programs {
  /** Ended by us. */
  readonly ended = new Set<number>()
  readonly stops: Stop[] = []
  /** What ended by itself though it should have started the others again. */
  readonly lost: string[] = []
  readonly #site: Site
  readonly #start: () => Product
  /** What former lives of the product printed. */
  #before = ''
  product: Product
  /** While it is being stopped as a whole, no process is missed. */
  isStopping = false

  constructor(site: Site, start: () => Product) {
    this.#site = site
    this.#start = start
    this.product = this.#launch()
  }

  #launch(): Product {
    const product = this.#start()
    void product.exitCode().then((code) => {
      if (!this.isStopping) this.lost.push(`npm start ended by itself, with exit code ${code}`)
    })
    return product
  }

  /** Everything the supervisor said, in all its lives. */
  get said(): string {
    return this.#before + this.product.output()
  }

  async pids(): Promise<Partial<Record<ProgramName, number>>> {
    const found = await processesOf(this.#site.dataDir)
    const pidOf = (program: ProgramName) =>
      found.find(({ command }) => command.includes(`/${program}/dist/main.js`))?.pid
    const pids: Partial<Record<ProgramName, number>> = {}
    for (const program of PROGRAMS) {
      const pid = pidOf(program)
      if (pid !== undefined) pids[program] = pid
    }
    return pids
  }

  async kill(program: ProgramName): Promise<void> {
    const pid = await this.#pidOf(program)
    this.ended.add(pid)
    signal(pid, 'SIGKILL')
    await gone(pid)
  }

  /** SIGTERM; its supervisor starts it again. */
  async stop(program: ProgramName): Promise<void> {
    const pid = await this.#pidOf(program)
    const startedMs = performance.now()
    this.ended.add(pid)
    signal(pid, 'SIGTERM')
    await gone(pid)
    this.stops.push({ what: program, tookMs: performance.now() - startedMs, code: undefined })
  }

  async freeze(program: ProgramName, ms: number): Promise<void> {
    const pid = await this.#pidOf(program)
    signal(pid, 'SIGSTOP')
    try {
      await sleep(ms)
    } finally {
      signal(pid, 'SIGCONT')
    }
  }

  async restartProduct(): Promise<void> {
    await this.stopProduct()
    this.#before += this.product.output()
    this.product = this.#launch()
    this.isStopping = false
  }

  async stopProduct(): Promise<void> {
    this.isStopping = true
    for (const pid of Object.values(await this.pids())) this.ended.add(pid)
    this.stops.push({ what: 'product', ...(await this.product.stop('SIGTERM')) })
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    this.isStopping = true
    if (this.product.process.exitCode === null) await this.product.stop('SIGTERM')
  }

  #pidOf(program: ProgramName): Promise<number> {
    return waitFor(`the ${program} to run`, async () => (await this.pids())[program], APPEARS_WITHIN_MS)
  }
}

/** It may have ended between the look and the signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}

async function gone(pid: number): Promise<void> {
  await waitFor(`the end of process ${pid}`, () => !isAlive(pid), GONE_WITHIN_MS)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
