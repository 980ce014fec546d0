import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, type Logger } from '@telltale/infra/log'
import type { SmallDisk } from '@telltale/infra/testing/small-disk'
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
  readonly #remove: () => Promise<void> | void
  #opened: Spool | undefined

  private constructor(folder: string, remove: () => Promise<void> | void) {
    this.folder = folder
    this.#remove = remove
  }

  static async make(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'telltale-spool-'))
    return new Bench(folder, () => rm(folder, { recursive: true }))
  }

  static on(disk: SmallDisk): Bench {
    return new Bench(disk.folder, () => disk.remove())
  }

  async open(bytesMax = BYTES_MAX): Promise<Spool> {
    this.#opened = await Spool.open({ folder: this.folder, bytesMax, log: this.#log() })
    return this.#opened
  }

  async reopen(bytesMax?: number): Promise<Spool> {
    await this.close()
    return this.open(bytesMax)
  }

  /** What a start after a crash would find now; nothing is changed by that. */
  async numbersOnDisk(): Promise<number[]> {
    const copy = await Bench.make()
    await cp(this.folder, copy.folder, {
      recursive: true,
      filter: (source) => !source.endsWith('telltale.pid'),
    })
    const numbers = await numbersLeft(await copy.open())
    await copy.end()
    return numbers
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
    await this.#remove()
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
