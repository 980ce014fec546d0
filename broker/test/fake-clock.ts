import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reportSkipped } from '@telltale/infra/testing/tools'

/** A wall clock of a program's own, which can be set while it runs: what libfaketime gives it. */
export interface FakeClock {
  /** For the program. */
  env: Record<string, string>
  /** By how much it is ahead of the machine's from now on. */
  set: (aheadMs: number) => void
  remove: () => void
}

const LIBRARY = 'libfaketimeMT.so.1'

/** Undefined, with the reason among those the test script prints, where libfaketime is not installed. */
export function findFakeClock(): string | undefined {
  const found = fakeClockFolders().find((folder) => list(folder).includes(LIBRARY))
  if (found === undefined)
    reportSkipped('tests that set the clock were skipped: libfaketime is not installed and could not be')
  return found && join(found, LIBRARY)
}

/** Debian keeps it below the folder of the architecture. */
function fakeClockFolders(): string[] {
  const libraries = ['/usr/lib', '/usr/lib64', '/usr/local/lib']
  const nested = list('/usr/lib').map((name) => join('/usr/lib', name))
  return [...libraries, ...nested].map((folder) => join(folder, 'faketime'))
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export function startFakeClock(library: string): FakeClock {
  const folder = mkdtempSync(join(tmpdir(), 'telltale-clock-'))
  const file = join(folder, 'ahead')
  const set = (aheadMs: number) =>
    writeFileSync(file, `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1_000}\n`)
  set(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      // Whatever counts how long something takes goes on as it did: a clock that is set is the wall clock.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
