import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Totals } from '../src/totals.ts'

const SIMULATOR = join(fileURLToPath(new URL('..', import.meta.url)), 'dist', 'main.js')

/** One message as `--print` shows it. */
export interface Printed {
  deviceId: string
  topic: string
  payload: string
}

interface Ended {
  code: number | null
  /** The line at the end; undefined when it never ran. */
  summary: Summary | undefined
  messages: Printed[]
  stderr: string
}

type Summary = Totals & { devices: number; durationMs: number }

export interface Simulator {
  process: ChildProcess
  /** Those printed so far; it grows. */
  messages: readonly Printed[]
  ended: Promise<Ended>
}

export function simulate(args: string[], env: Record<string, string>): Simulator {
  const child = spawn(process.execPath, [SIMULATOR, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  })
  const messages: Printed[] = []
  let summary: Summary | undefined
  let stderr = ''
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    const parsed = JSON.parse(line) as Printed | Summary
    if ('payload' in parsed) messages.push(parsed)
    else summary = parsed
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]).then(() => {
    return { code: child.exitCode, summary, messages, stderr }
  })
  return { process: child, messages, ended }
}
