import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reportSkipped, toolMissing } from '@telltale/infra/testing/tools'

/** What the spool asks of the system, and the words of the program that uses it. */
const CALLS = 'openat,write,pwrite64,pwritev,fdatasync,fsync,ftruncate,rename,unlink'

export interface SystemCall {
  name: string
  /** The file it is about. */
  path: string
  /** All it was given, as strace writes it. */
  given: string
  /** Lines of the record, between which it was under way. */
  began: number
  ended: number
}

/** Put before a command, it writes the system calls of its threads to that file. */
export function recordingInto(file: string): string[] {
  return ['strace', '-f', '-y', '-s', '64', '-e', `trace=${CALLS}`, '-o', file]
}

/** Whether this machine does not let us see system calls; as `toolMissing`. */
export function recordingMissing(): boolean {
  if (toolMissing('strace')) return true
  const folder = mkdtempSync(join(tmpdir(), 'telltale-strace-'))
  try {
    const [command = '', ...args] = recordingInto(join(folder, 'calls'))
    execFileSync(command, [...args, 'true'], { stdio: 'ignore' })
    return false
  } catch {
    reportSkipped('the test of what the spool syncs was skipped: this machine does not let strace look on')
    return true
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Those that succeeded, in the order in which they ended. */
export async function recordedCalls(file: string): Promise<SystemCall[]> {
  const calls: SystemCall[] = []
  /** By thread. */
  const underWay = new Map<string, { given: string; began: number }>()
  for (const [at, line] of (await readFile(file, 'utf8')).split('\n').entries()) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith('<unfinished ...>')) underWay.set(thread, { given: text, began: at })
    else {
      const resumed = / resumed>(.*)$/.exec(text)?.[1]
      const before = resumed === undefined ? undefined : underWay.get(thread)
      const whole = before ? before.given.replace(' <unfinished ...>', '') + resumed : text
      const [, name, given = ''] = /^(\w+)\((.*)\) += \d/.exec(whole) ?? []
      if (name) calls.push({ name, given, path: pathOf(whole), began: before?.began ?? at, ended: at })
    }
  }
  return calls
}

/** Of what was opened, else of the descriptor it was given, else of the name. */
function pathOf(call: string): string {
  const opened = /= \d+<(.*)>$/.exec(call)?.[1]
  return opened ?? /\(\d+<([^>]*)>/.exec(call)?.[1] ?? /"([^"]*)"/.exec(call)?.[1] ?? ''
}
