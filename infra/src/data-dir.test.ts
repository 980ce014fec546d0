import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { holdFolder, keepSecret, replaceSecret } from './data-dir.ts'
import { testFolder } from './testing/folder.ts'
import { SmallDisk, smallDisksMissing } from './testing/small-disk.ts'

let disk: SmallDisk | undefined
const folder = join(testFolder, 'held')
afterAll(() => {
  disk?.remove()
  rmSync(folder, { recursive: true, force: true })
})

it.skipIf(smallDisksMissing())(
  'R-START-10 a full disk: the data folder and its secrets say so and what to do, and keep what they had',
  async () => {
    disk = new SmallDisk(4)
    const dataDir = join(disk.folder, 'data')
    const letGo = holdFolder(dataDir, 'data folder')
    await replaceSecret(dataDir, 'word', 'the former')
    letGo()
    await disk.fill()
    const cure = 'the disk is full: make room, or set TELLTALE_DATA_DIR to another folder'
    expect(() => holdFolder(dataDir, 'data folder')).toThrow(
      `cannot write to the data folder ${dataDir} (ENOSPC); ${cure}`,
    )
    await expect(replaceSecret(dataDir, 'word', 'the next')).rejects.toThrow(
      `cannot write ${join(dataDir, 'word')} (ENOSPC); ${cure}`,
    )
    expect(await readFile(join(dataDir, 'word'), 'utf8')).toBe('the former\n')
    await expect(keepSecret(dataDir, 'another', () => 'new')).rejects.toThrow('(ENOSPC)')
    expect(existsSync(join(dataDir, 'another'))).toBe(false)
    await disk.free()
    const letGoAgain = holdFolder(dataDir, 'data folder')
    expect(await keepSecret(dataDir, 'another', () => 'new')).toBe('new')
    letGoAgain()
    expect(readdirSync(dataDir).sort()).toEqual(['another', 'word'])
  },
)

const ROUNDS = 40
const STEP_MS = 10
/** What a crash left: no process has the id. */
const LEFT = `${2 ** 30} of-another-boot/1`

/** In a process of its own: takes one folder after the other, each at its moment, and keeps them. */
const takesAll = `
  const { holdFolder } = require(${JSON.stringify(fileURLToPath(new URL('data-dir.ts', import.meta.url)))})
  process.on('message', ({ folders, beginMs }) => {
    const held = folders.map((folder, round) => {
      while (Date.now() < beginMs + round * ${STEP_MS});
      try {
        holdFolder(folder, 'spool')
        return 1
      } catch (error) {
        if (!error.message.includes(' is in use by the Telltale with ')) throw error
        return 0
      }
    })
    process.send(held)
  })
  process.send('ready')`

interface Esbuild {
  buildSync: (options: object) => unknown
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  return message
}

it.each([
  ['without a lock', undefined],
  ['with the lock that a crash left', LEFT],
])('R-START-13 of two that take a folder at one moment one has it, %s', async (_state, left) => {
  mkdirSync(folder, { recursive: true })
  const { buildSync } = createRequire(import.meta.url)('esbuild') as Esbuild
  const program = join(folder, 'takes-all.cjs')
  const stdin = { contents: takesAll, resolveDir: folder }
  buildSync({ stdin, outfile: program, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' })
  const folders = Array.from({ length: ROUNDS }, (_, round) =>
    join(folder, `${left ? 'left' : 'new'}-${round}`),
  )
  for (const one of folders) {
    mkdirSync(one)
    if (left) writeFileSync(join(one, 'telltale.pid'), left)
  }
  const both = [fork(program, { execArgv: [] }), fork(program, { execArgv: [] })]
  for (const ready of await Promise.all(both.map(messageOf))) expect(ready).toBe('ready')
  const held = both.map(messageOf)
  const beginMs = Date.now() + 100
  for (const child of both) child.send({ folders, beginMs })
  const [ours, theirs] = (await Promise.all(held)) as [number[], number[]]
  // Until then: of one that has ended, the other may take it over.
  for (const child of both) child.disconnect()
  expect(ours.map((one, round) => one + (theirs[round] ?? 0))).toEqual(folders.map(() => 1))
  expect(readdirSync(folders[0] as string)).toEqual(['telltale.pid'])
})

it('R-START-13 who lets a folder go leaves a lock that is not his own', async () => {
  const taken = join(folder, 'taken')
  const letGo = holdFolder(taken, 'spool')
  writeFileSync(join(taken, 'telltale.pid'), LEFT)
  letGo()
  expect(await readFile(join(taken, 'telltale.pid'), 'utf8')).toBe(LEFT)
})
