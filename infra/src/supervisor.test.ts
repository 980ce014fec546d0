import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
  await waitFor('one that could', () => pid() !== first)
  const second = pid()
  process.execPath = join(folder, 'nothing')
  process.kill(second)
  const before = failures()
  await waitFor('another that could not', () => failures() > before)
  await program.stop()
  expect(pid()).toBe(second)
})
