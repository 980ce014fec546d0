import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, type Logger } from '@telltale/infra/log'
import { numberOf } from './numbered.ts'
import { Spool } from './spool.ts'

export interface Line {
  level: string
  message: string
  damagedBytes?: number
  tornBytes?: number
}

const BYTES_MAX = 1024 * 1024 * 1024

/** A folder of its own, spools opened in it, and what they log. */
export class Bench {
  readonly folder: string
  readonly lines: Line[] = []
  #opened: Spool | undefined
  #unmount = () => {}

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'telltale-spool-')))
  }

  async open(bytesMax = BYTES_MAX): Promise<Spool> {
    this.#opened = await Spool.open({ folder: this.folder, bytesMax, log: this.#log() })
    return this.#opened
  }

  async reopen(bytesMax?: number): Promise<Spool> {
    await this.close()
    return this.open(bytesMax)
  }

  /** Puts a small disk over the folder; only for root on Linux. */
  mount(options: string): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.folder])
    this.#unmount = () => execFileSync('umount', [this.folder])
  }

  /** Without the lock. */
  async files(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => name !== 'telltale.pid').sort()
  }

  async close(): Promise<void> {
    await this.#opened?.close()
    this.#opened = undefined
  }

  async end(): Promise<void> {
    await this.close()
    this.#unmount()
    await rm(this.folder, { recursive: true })
  }

  #log(): Logger {
    const log = createLog('spool', 'silent')
    for (const level of ['info', 'warn', 'error'] as const)
      log[level] = (fields: object, message?: string) =>
        void this.lines.push({ level, message: message ?? '', ...fields })
    return log
  }
}

export async function numbersLeft(spool: Spool, recordsMax = 1_000): Promise<number[]> {
  const numbers: number[] = []
  for (let chunk = await spool.read(recordsMax); chunk; chunk = await spool.read(recordsMax)) {
    for (const record of chunk.records) numbers.push(numberOf(record))
    await spool.remove(chunk.end)
  }
  return numbers
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
