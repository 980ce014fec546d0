import { copyFile, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limits } from '@telltale/infra/limits'
import { random } from '@telltale/infra/testing/random'
import { SmallDisk, smallDisksMissing } from '@telltale/infra/testing/small-disk'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { numbered } from './numbered.ts'
import { Bench, numbersLeft, upTo } from './spool-fixtures.ts'
import { bundleProgram, startProgram } from './spool-programs.ts'

const seed = Number(process.env.TELLTALE_TEST_SEED ?? Date.now() % 1_000_000)
const KILLS = 8
const MIB = 1024 * 1024
const isWithoutDisks = smallDisksMissing()
let programs: string
let bench: Bench

/** Appends and removes for ever. Says what is acknowledged, and how far it is about to remove. */
const endlessly = `
  const spool = await open()
  let n = Number(process.argv[3])
  const append = async () => {
    for (;;) {
      const records = [...Array(1 + n % 3)].map(() => numbered(n++, n % 2 ? 250_000 : 100))
      await spool.append(records, n)
      say('acknowledged ' + records.map(numberOf).join(' '))
    }
  }
  append(), append(), append()
  for (let round = 1; ; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const chunk = await spool.read(10)
    if (!chunk || round % 2) continue
    say('removed ' + chunk.records.map(numberOf).join(' '))
    await spool.remove(chunk.end)
  }`

const holds = `
  await open()
  say('open')
  setInterval(() => {}, 1000)`

/** How much more memory it ever had than before. */
const opensLarge = `
  const before = process.memoryUsage().rss
  const spool = await open()
  const grown = () => process.resourceUsage().maxRSS * 1024 - before
  say(JSON.stringify({ messages: spool.state.messages, opened: grown() }))
  let messages = 0
  for (let chunk = await spool.read(2000); chunk; chunk = await spool.read(2000)) {
    messages += chunk.records.length
    await spool.remove(chunk.end)
  }
  say(JSON.stringify({ messages, read: grown() }))
  await spool.close()`

/** The system lets no file grow beyond a limit, and the write that meets it is cut short. */
const meetsLimit = `
  process.on('SIGXFSZ', () => {})
  const spool = await open()
  for (let n = 0; n < 30; n++)
    await spool.append([numbered(n, 300_000)], n).then(
      () => say('acknowledged ' + n),
      (error) => say('refused ' + error.reason),
    )
  // More than a file may hold.
  for (let i = 0; i < 3; i++) await spool.append([numbered(0, 3_000_000)], 0).catch((error) => say('refused ' + error.reason))
  await spool.close()`

const texts = { endlessly, holds, opensLarge, meetsLimit }

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'telltale-spool-programs-'))
  for (const [name, text] of Object.entries(texts)) await bundleProgram(text, program(name))
})

afterAll(() => rm(programs, { recursive: true }))

beforeEach(async () => {
  bench = await Bench.make()
})

afterEach(() => bench.end())

function program(name: string): string {
  return join(programs, `${name}.mjs`)
}

async function moveTo(disk: SmallDisk): Promise<void> {
  await bench.end()
  bench = Bench.on(disk)
}

it('R-SPOOL-6 has everything that was acknowledged before kill -9, many times', async () => {
  console.log(`spool: TELLTALE_TEST_SEED=${seed}`)
  const next = random(seed)
  const acknowledged = new Set<number>()
  const removed = new Set<number>()
  for (let kill = 1; kill <= KILLS; kill++) {
    const linesMax = 1 + Math.floor(next() * 40)
    let lines = 0
    const onLine = (line: string) => {
      const [what, ...numbers] = line.split(' ')
      for (const n of numbers) (what === 'removed' ? removed : acknowledged).add(Number(n))
      if (++lines === linesMax) child.kill('SIGKILL')
    }
    const args = [bench.folder, String(kill * 1_000)]
    const { child, ended } = startProgram(program('endlessly'), { args, onLine })
    await ended
    // Some are killed on what others left.
    if (kill < KILLS && next() < 0.5) continue
    const left = await numbersLeft(await bench.reopen())
    // What was on its way may be there as well, and what was removed may come again.
    expect([...acknowledged].filter((n) => !removed.has(n) && !left.includes(n))).toEqual([])
    expect(left).toEqual(left.toSorted((a, b) => a - b))
    for (const n of acknowledged) removed.add(n)
    await bench.close()
  }
  expect(removed.size).toBeGreaterThan(KILLS)
  expect(bench.lines.filter(({ level }) => level !== 'info')).toEqual([])
})

it.skipIf(isWithoutDisks)('R-SPOOL-7 survives a disk that is full', async () => {
  // 5 % of it stay free.
  await moveTo(new SmallDisk(8))
  const spool = await bench.open()
  let taken = 0
  const append = () => spool.append([numbered(taken, 500_000)], 1).then(() => void taken++)
  const appendUntilRefused = async () => {
    for (let refusal: unknown; !refusal; ) await append().catch((error) => (refusal = error))
  }
  await writeFile(join(bench.folder, 'other'), Buffer.alloc(MIB))
  await appendUntilRefused()
  await expect(append()).rejects.toMatchObject({ reason: 'disk_full' })
  const { bavail, blocks } = await statfs(bench.folder)
  expect(bavail / blocks).toBeGreaterThan(limits.spool.diskReserveShare)
  // Somebody makes room.
  await rm(join(bench.folder, 'other'))
  await append()
  await appendUntilRefused()
  // It makes room itself.
  const before = taken
  expect(await numbersLeft(spool)).toEqual(upTo(before))
  await append()
  expect(await numbersLeft(await bench.reopen())).toEqual([before])
})

it.skipIf(isWithoutDisks)('R-SPOOL-7 survives a disk that takes no new file', async () => {
  // The folder, the lock, one segment and another file.
  await moveTo(new SmallDisk(64, { filesMax: 4 }))
  const other = join(bench.folder, 'other')
  await writeFile(other, '')
  const spool = await bench.open()
  const append = (n: number) => spool.append([numbered(n, 3 * MIB)], n)
  for (const n of upTo(5)) await append(n)
  await expect(append(5)).rejects.toMatchObject({ reason: 'disk_full' })
  await expect(append(5)).rejects.toMatchObject({ reason: 'disk_full' })
  await rm(other)
  await append(5)
  expect(await bench.numbersOnDisk()).toEqual(upTo(6))
})

it('R-SPOOL-8 is not harmed by writes that fail halfway', async () => {
  const acknowledged: number[] = []
  const refused: string[] = []
  const onLine = (line: string) => {
    const [what, answer = ''] = line.split(' ')
    if (what === 'acknowledged') acknowledged.push(Number(answer))
    else refused.push(answer)
  }
  const through = ['sh', '-c', 'ulimit -f 4096 && exec "$@"', 'sh']
  const { ended } = startProgram(program('meetsLimit'), { args: [bench.folder], through, onLine })
  await ended
  expect(new Set(refused)).toEqual(new Set(['failed']))
  expect(refused.length + acknowledged.length).toBe(33)
  expect(acknowledged.length).toBeGreaterThan(20)
  // Nothing of a refused one is left, and no later one is harmed.
  for (const name of await bench.files())
    expect((await stat(join(bench.folder, name))).size).toBeGreaterThan(300_000)
  expect(await numbersLeft(await bench.open())).toEqual(acknowledged)
  expect(bench.lines).toEqual([])
})

it('R-SPOOL-10 belongs to one process at a time, and is taken over from one that was killed', async () => {
  const seen: string[] = []
  const onLine = (line: string) => void seen.push(line)
  const { child, ended } = startProgram(program('holds'), { args: [bench.folder], onLine })
  await waitFor('the other one to open it', () => seen.includes('open'))
  await expect(bench.open()).rejects.toThrow(
    `the spool ${bench.folder} is in use by the Telltale with process id ${child.pid}; stop it`,
  )
  child.kill('SIGKILL')
  await ended
  const spool = await bench.open()
  await spool.append([numbered(0)], 1)
  expect(await numbersLeft(spool)).toEqual([0])
})

it('R-SPOOL-11 needs no more memory for 200 MB than for little', async () => {
  const spool = await bench.open()
  for (let i = 0; i < 2; i++)
    await spool.append(
      Array.from({ length: 10_000 }, (_, n) => numbered(n, 400)),
      1,
    )
  const { messages } = spool.state
  await spool.close()
  const [first = ''] = await bench.files()
  for (let number = 2; number <= 25; number++) {
    const name = first.replace('0000000001', String(number).padStart(10, '0'))
    await copyFile(join(bench.folder, first), join(bench.folder, name))
  }
  const said: { messages: number; opened?: number; read?: number }[] = []
  const onLine = (line: string) => void said.push(JSON.parse(line))
  const { ended } = startProgram(program('opensLarge'), { args: [bench.folder], onLine })
  await ended
  expect(said.map((line) => line.messages)).toEqual([25 * messages, 25 * messages])
  expect(said[0]?.opened).toBeLessThan(50 * MIB)
  // Chunks that nobody holds any more are collected late.
  expect(said[1]?.read).toBeLessThan(128 * MIB)
  expect(await bench.files()).toEqual([])
})
