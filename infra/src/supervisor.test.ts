import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Supervised } from './supervisor.ts'
import { testFolder } from './testing/folder.ts'
import { waitFor } from './testing/wait.ts'

const folder = join(testFolder, 'supervisor')
const script = join(folder, 'program.mjs')
const pidFile = join(folder, 'pid')
const { execPath } = process
/** Of the program that runs now. */
const pid = () => Number(readFileSync(pidFile, 'utf8'))

beforeAll(() => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs'
     writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
     process.send('ready')
     setInterval(() => {}, 1000)`,
  )
})
afterAll(() => {
  process.execPath = execPath
  rmSync(folder, { recursive: true, force: true })
})

it('R-START-14 a program that the system cannot start again is tried until it can, or is stopped', async () => {
  const said: string[] = []
  const spec = { name: 'broker', script, env: {}, stopDeadlineMs: 1_000, isPlatform: true }
  const program = new Supervised({ ...spec, logFile: join(folder, 'program.log') }, (line) => said.push(line))
  const failures = () => said.filter((line) => line.includes('the system could not start it')).length
  await program.start()
  const first = pid()
  process.execPath = join(folder, 'nothing')
  process.kill(first)
  await waitFor('one that could not be started', () => failures() > 0)
  process.execPath = execPath
  const second = await waitFor('one that could', () => {
    // The file is empty for a moment while it is written.
    const running = pid()
    return running > 0 && running !== first && running
  })
  process.execPath = join(folder, 'nothing')
  process.kill(second)
  const before = failures()
  await waitFor('another that could not', () => failures() > before)
  await waitFor('word of its next start', () => waitMsOf(said.at(-1)) > 0)
  // Now it could.
  process.execPath = execPath
  await program.stop()
  await sleep(waitMsOf(said.at(-1)) + 500)
  expect(pid()).toBe(second)
})

/** How long it says that it waits. */
const waitMsOf = (line = '') => Number(/ in ([\d.]+) s; that was/.exec(line)?.[1] ?? 0) * 1_000

describe('a program that is stopped', () => {
  const HANGS_MS = 300
  /** Does this when it is asked to stop. */
  async function startOne(
    onStop: string,
    { isPlatform = true, stopDeadlineMs = 30_000 } = {},
  ): Promise<Supervised> {
    const one = join(folder, 'one.mjs')
    writeFileSync(
      one,
      `import { writeFileSync } from 'node:fs'
       process.on('SIGTERM', () => { ${onStop} })
       writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
       process.send('ready')
       setInterval(() => {}, 1000)`,
    )
    rmSync(pidFile, { force: true })
    const spec = { name: 'broker', script: one, env: {}, stopDeadlineMs, isPlatform }
    const program = new Supervised({ ...spec, logFile: join(folder, 'one.log') }, () => {})
    await program.start()
    // Of the fleet no word is waited for.
    await waitFor('it to run', () => existsSync(pidFile) && pid() > 0)
    return program
  }

  it.each([
    ['hangs', '', HANGS_MS, 'the broker did not stop within 0.3 s and was killed'],
    ['fails', 'process.exit(1)', undefined, 'the broker did not stop in order (exit code 1)'],
    [
      'aborts',
      'process.kill(process.pid, "SIGABRT")',
      undefined,
      'the broker did not stop in order (signal SIGABRT)',
    ],
  ])('R-STOP-7 and %s: whoever stops it is told', async (_name, onStop, stopDeadlineMs, problem) => {
    await expect((await startOne(onStop, { stopDeadlineMs })).stop()).rejects.toThrow(problem)
  })

  it('R-STOP-8 and ends with 0, is of the fleet, or had ended before: nothing is wrong', async () => {
    await (await startOne('process.exit(0)')).stop()
    await (await startOne('', { isPlatform: false, stopDeadlineMs: HANGS_MS })).stop()
    await (await startOne('process.exit(1)', { isPlatform: false })).stop()
    const killed = await startOne('')
    process.kill(pid(), 'SIGKILL')
    await killed.stop()
  })
})
