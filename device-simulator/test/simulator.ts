import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Totals } from '../src/totals.ts'

const SIMULATOR = join(fileURLToPath(new URL('..', import.meta.url)), 'dist', 'main.js')

/** One message as `--print` shows it. */
export interface Printed {
  deviceId: string
  topic: string
  payload: string
}

export interface Ended {
  code: number | null
  /** The line at the end; undefined when it never ran. */
  summary: (Totals & { devices: number; durationMs: number }) | undefined
  messages: Printed[]
  stderr: string
}

export interface Simulator {
  process: ChildProcess
  /** Lines on stdout so far. */
  lines: () => number
  ended: Promise<Ended>
}

export function simulate(args: string[], env: Record<string, string>): Simulator {
  const child = spawn(process.execPath, [SIMULATOR, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  })
  const stdout: Buffer[] = []
  let stderr = ''
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
    for (const byte of chunk) if (byte === 0x0a) lines++
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(() => {
    const text = Buffer.concat(stdout).toString()
    return { code: child.exitCode, stderr, ...readOutput(text) }
  })
  return { process: child, lines: () => lines, ended }
}

function readOutput(text: string): Pick<Ended, 'summary' | 'messages'> {
  const parsed = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Printed & NonNullable<Ended['summary']>)
  return {
    summary: parsed.find((line) => line.durationMs !== undefined),
    messages: parsed.filter((line) => line.payload !== undefined),
  }
}
