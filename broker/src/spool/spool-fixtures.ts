import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createLog, type Logger } from '@telltale/infra/log'
import { testFolder } from '@telltale/infra/testing/folder'
import { build } from 'esbuild'
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

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<Bench> {
    return new Bench(await mkdtemp(`${testFolder}-spool-`))
  }

  async open(bytesMax = BYTES_MAX): Promise<Spool> {
    this.#opened = await Spool.open({ folder: this.folder, bytesMax, log: this.#log() })
    return this.#opened
  }

  async reopen(bytesMax?: number): Promise<Spool> {
    await this.#opened?.close()
    return this.open(bytesMax)
  }

  /** Without the lock. */
  async files(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => name !== 'telltale.pid').sort()
  }

  async end(): Promise<void> {
    await this.#opened?.close()
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

/** A record that says which one it is and whether all of it is there. */
export function numbered(n: number, bytes = 40): Buffer {
  const record = Buffer.alloc(Math.max(8, bytes), n % 251)
  record.writeDoubleLE(n)
  return record
}

/** @throws when it is not as it was made */
export function numberOf(record: Buffer): number {
  const n = record.readDoubleLE()
  if (!record.equals(numbered(n, record.length))) throw new Error(`record ${n} is not what was appended`)
  return n
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

/** A program that opens `spool` in the folder of its first argument; the lines of its text are up to the test. */
export async function bundleProgram(text: string, outfile: string): Promise<void> {
  const contents = `
    import { writeSync } from 'node:fs'
    import { numbered, numberOf } from './spool-fixtures-records.ts'
    import { Spool } from './spool.ts'
    const say = (line) => writeSync(1, line + '\\n')
    const log = { info() {}, warn() {}, error() {} }
    const open = () => Spool.open({ folder: process.argv[2], bytesMax: ${BYTES_MAX}, log })
    ${text}`
  const resolveDir = fileURLToPath(new URL('.', import.meta.url))
  await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  })
}

/** Started with what it prints line by line. */
export function startProgram(file: string, args: string[], onLine: (line: string) => void): ChildProcess {
  const program = fork(file, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  if (program.stdout) createInterface(program.stdout).on('line', onLine)
  return program
}
