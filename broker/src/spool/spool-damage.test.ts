import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { limits } from '@telltale/infra/limits'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encodeFrame } from './frame.ts'
import { numbered, numberOf } from './numbered.ts'
import { Bench, numbersLeft } from './spool-fixtures.ts'

const FRAMES = 3
const PER_FRAME = 2
let bench: Bench
/** A segment of some frames, and where each of them ends. */
let file: string
let bytes: Buffer
let ends: number[]

beforeEach(async () => {
  bench = await Bench.make()
  const spool = await bench.open()
  ends = [0]
  for (let frame = 0; frame < FRAMES; frame++) {
    const records = Array.from({ length: PER_FRAME }, (_, i) => numbered(frame * PER_FRAME + i, 8))
    await spool.append(records, 1000 + frame)
    ends.push(spool.state.bytes)
  }
  await spool.close()
  const [name = ''] = await bench.files()
  file = join(bench.folder, name)
  bytes = await readFile(file)
})

afterEach(() => bench.end())

/** Those of every frame but one. */
function numbersWithout(lost: number | undefined): number[] {
  return Array.from({ length: FRAMES * PER_FRAME }, (_, n) => n).filter(
    (n) => Math.floor(n / PER_FRAME) !== lost,
  )
}

/** The folder holds this and nothing else; the lines are those of what follows. */
async function lay(content: Buffer): Promise<void> {
  for (const name of await bench.files()) await rm(join(bench.folder, name))
  await writeFile(file, content)
  bench.lines.length = 0
}

function markerOf(name: string): Buffer {
  return Buffer.from(name.slice(11, 27), 'hex')
}

it('R-SPOOL-4 cuts off a write that was not finished, wherever it ended', async () => {
  const [start = 0, end = 0] = ends.slice(-2)
  for (let cut = start; cut < end; cut++) {
    await lay(bytes.subarray(0, cut))
    const spool = await bench.open()
    expect(spool.state, `cut at ${cut}`).toMatchObject({
      messages: (FRAMES - 1) * PER_FRAME,
      bytes: start,
      oldestReceivedMs: 1000,
      damagedBytes: 0,
    })
    await spool.append([numbered(100)], 1)
    expect(await numbersLeft(spool), `cut at ${cut}`).toEqual([...numbersWithout(FRAMES - 1), 100])
    const torn = cut === start ? [] : [{ level: 'info', tornBytes: cut - start }]
    expect(bench.lines).toMatchObject(torn)
    expect(bench.lines).toHaveLength(torn.length)
    await spool.close()
  }
})

it('R-SPOOL-4 cuts off a last write of which only some blocks arrived', async () => {
  await lay(bytes)
  await truncate(file, ends.at(-2))
  await truncate(file, bytes.length)
  const spool = await bench.open()
  expect(await numbersLeft(spool)).toEqual(numbersWithout(FRAMES - 1))
  expect(bench.lines).toMatchObject([{ level: 'info' }])
})

it('R-SPOOL-5 loses one frame to a flipped byte, says so, and keeps the file', async () => {
  const [start = 0, end = 0] = ends.slice(1, 3)
  for (let at = start; at < end; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = ~(flipped[at] ?? 0)
    await lay(flipped)
    const spool = await bench.open()
    const damagedBytes = end - start
    expect(spool.state, `flipped at ${at}`).toMatchObject({
      messages: (FRAMES - 1) * PER_FRAME,
      bytes: bytes.length,
      damagedBytes,
    })
    expect(bench.lines).toMatchObject([{ level: 'error', damagedBytes }])
    expect(await numbersLeft(spool), `flipped at ${at}`).toEqual(numbersWithout(1))
    const [aside = '', ...others] = await bench.files()
    expect(others).toEqual([])
    expect(aside).toMatch(/\.damaged$/)
    expect(await readFile(join(bench.folder, aside))).toEqual(flipped)
    expect(spool.state).toMatchObject({ bytes: 0, damagedBytes })
    await spool.close()
  }
  // Until somebody takes the file away.
  const again = await bench.open()
  expect(again.state.damagedBytes).toBe(end - start)
  expect(await again.read(10)).toBe(undefined)
})

it('R-SPOOL-5 keeps the last frame of a segment that is not the last one', async () => {
  const flipped = Buffer.from(bytes)
  flipped[flipped.length - 1] = ~(flipped.at(-1) ?? 0)
  await lay(flipped)
  await writeFile(file.replace('/0000000001', '/0000000002'), bytes)
  const spool = await bench.open()
  expect(bench.lines).toMatchObject([{ level: 'error' }])
  expect(await numbersLeft(spool)).toEqual([...numbersWithout(FRAMES - 1), ...numbersWithout(undefined)])
  expect(await bench.files()).toEqual([expect.stringMatching(/\.damaged$/)])
})

it('R-SPOOL-5 keeps a file of which nothing can be read', async () => {
  await lay(bytes)
  // More than one write, so it is not what a torn one left.
  await writeFile(file, Buffer.alloc(limits.spool.frameBytesMax + 100, 7))
  const spool = await bench.open()
  expect(spool.state).toMatchObject({ messages: 0, bytes: 0, damagedBytes: limits.spool.frameBytesMax + 100 })
  expect(bench.lines).toMatchObject([{ level: 'error' }])
  expect(await bench.files()).toEqual([expect.stringMatching(/\.damaged$/)])
})

it('R-SPOOL-5 goes on behind damage that comes while it runs', async () => {
  await lay(bytes)
  const spool = await bench.open()
  const flipped = Buffer.from(bytes)
  flipped[(ends[1] ?? 0) + 30] = ~(flipped[(ends[1] ?? 0) + 30] ?? 0)
  await writeFile(file, flipped)
  expect(await numbersLeft(spool)).toEqual(numbersWithout(1))
  expect(bench.lines).toMatchObject([{ level: 'error', damagedBytes: (ends[2] ?? 0) - (ends[1] ?? 0) }])
  expect(await bench.files()).toEqual([expect.stringMatching(/\.damaged$/)])
  expect(spool.state).toMatchObject({ messages: 0, bytes: 0 })
})

it('R-SPOOL-5 goes on when all that waits is damaged while it runs', async () => {
  await lay(bytes)
  const spool = await bench.open()
  await writeFile(file, Buffer.alloc(bytes.length))
  expect(await spool.read(10)).toBe(undefined)
  expect(spool.state).toMatchObject({ messages: 0, bytes: 0, damagedBytes: bytes.length })
  await spool.append([numbered(1)], 1)
  expect(await numbersLeft(spool)).toEqual([1])
})

it('R-SPOOL-5 takes nothing for a frame that is not one of this segment', async () => {
  // A whole frame of another segment, as an old block of the disk or the payload of a message would hold it.
  const other = file.replace(/-[0-9a-f]{16}/, '-00112233445566ff')
  await lay(bytes)
  await rm(file)
  await writeFile(other, bytes)
  const foreign = await bench.open()
  expect(foreign.state.messages).toBe(0)
  await foreign.append([numbered(1)], 1)
  await foreign.close()
  const [name = ''] = (await bench.files()).filter((file) => !file.endsWith('.damaged'))
  // The outer frame is damaged, the one inside its record is whole.
  const body = { bytes, rawBytes: bytes.length, records: 1 }
  const content = encodeFrame(markerOf(name), body, 1)
  content[content.length - 1] = ~(content.at(-1) ?? 0)
  await writeFile(join(bench.folder, name), content)
  await appendFile(join(bench.folder, name), content)
  const spool = await bench.open()
  expect(spool.state.messages).toBe(0)
  expect((await spool.read(10))?.records.map(numberOf)).toBe(undefined)
})

it('R-SPOOL-5 loses a frame that says another length than it has, and takes no memory for it', async () => {
  const marker = markerOf(basename(file))
  const deflated = deflateRawSync(Buffer.alloc(64 * 1024 * 1024))
  const short = { bytes: deflated, rawBytes: deflated.length + 1, records: 1 }
  const long = { bytes: deflateRawSync(Buffer.alloc(10)), rawBytes: limits.spool.frameBytesMax, records: 1 }
  const wrong = [encodeFrame(marker, short, 1), encodeFrame(marker, long, 1)]
  await lay(Buffer.concat([bytes, ...wrong, bytes]))
  const spool = await bench.open()
  const before = process.resourceUsage().maxRSS
  expect(await numbersLeft(spool)).toEqual([...numbersWithout(undefined), ...numbersWithout(undefined)])
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(48)
  expect(bench.lines).toMatchObject(wrong.map((frame) => ({ level: 'error', damagedBytes: frame.length })))
  expect(await bench.files()).toEqual([expect.stringMatching(/\.damaged$/)])
})

it('R-SPOOL-5 goes on behind the end of a file that became shorter while it runs', async () => {
  await lay(bytes)
  const spool = await bench.open()
  await truncate(file, (ends[1] ?? 0) + 10)
  expect(await numbersLeft(spool)).toEqual(numbersWithout(undefined).slice(0, PER_FRAME))
  expect(bench.lines).toMatchObject([{ level: 'error', damagedBytes: bytes.length - (ends[1] ?? 0) }])
  expect(spool.state).toMatchObject({ messages: 0, bytes: 0 })
})

/** Reading a folder as a file fails, as a broken sector makes it fail. */
async function makeUnreadable(path: string): Promise<void> {
  await rm(path)
  await mkdir(path)
}

it('R-SPOOL-13 sets a file aside that cannot be read twice in a row, and goes on with the next', async () => {
  await lay(bytes)
  await writeFile(file.replace('/0000000001', '/0000000002'), bytes)
  const spool = await bench.open()
  await makeUnreadable(file)
  await expect(spool.read(10)).rejects.toMatchObject({ code: 'EISDIR' })
  expect(spool.state.messages).toBe(2 * FRAMES * PER_FRAME)
  expect(await numbersLeft(spool)).toEqual(numbersWithout(undefined))
  expect(bench.lines).toMatchObject([{ level: 'error', start: 0, damagedBytes: bytes.length }])
  expect(spool.state).toMatchObject({ messages: 0, bytes: 0, damagedBytes: bytes.length })
  expect(await bench.files()).toEqual([`${basename(file)}-${bytes.length}.damaged`])
})

it('R-SPOOL-14 a file that was put back is emptied beside one with the same number', async () => {
  for (const name of await bench.files()) await rm(join(bench.folder, name))
  const younger = await bench.open()
  for (let n = 0; n < FRAMES * PER_FRAME; n++) await younger.append([numbered(100 + n)], 1)
  await younger.close()
  await writeFile(file, bytes)
  const left = await numbersLeft(await bench.open(), 4)
  const all = numbersWithout(undefined)
  expect(left.sort((a, b) => a - b)).toEqual([...all, ...all.map((n) => 100 + n)])
  expect(await bench.files()).toEqual([])
})

it('R-SPOOL-13 keeps what one failure alone did not harm', async () => {
  await lay(bytes)
  const spool = await bench.open()
  for (const _ of [1, 2, 3]) {
    await makeUnreadable(file)
    await expect(spool.read(10)).rejects.toMatchObject({ code: 'EISDIR' })
    await rm(file, { recursive: true })
    await writeFile(file, bytes)
    expect((await spool.read(10))?.records.map(numberOf)).toEqual(numbersWithout(undefined))
  }
  expect(bench.lines).toEqual([])
})

it('R-SPOOL-13 writes nothing more to a file that could not be read', async () => {
  await lay(bytes)
  await rm(file)
  const spool = await bench.open()
  await spool.append([numbered(0)], 1)
  const [name = ''] = await bench.files()
  await makeUnreadable(join(bench.folder, name))
  await expect(spool.read(10)).rejects.toMatchObject({ code: 'EISDIR' })
  await spool.append([numbered(1)], 1)
  expect(await numbersLeft(spool)).toEqual([1])
  expect(await bench.files()).toEqual([expect.stringMatching(/\.damaged$/)])
})

it('R-SPOOL-13 writes nothing more to a file that could not be read while it was written', async () => {
  await lay(bytes)
  await rm(file)
  const spool = await bench.open()
  await spool.append([numbered(0)], 1)
  const [name = ''] = await bench.files()
  const appended = spool.append([numbered(1, 3_000_000)], 1)
  await new Promise(setImmediate)
  await makeUnreadable(join(bench.folder, name))
  await expect(spool.read(10)).rejects.toMatchObject({ code: 'EISDIR' })
  await appended
  await spool.append([numbered(2)], 1)
  const left = await numbersLeft(spool)
  expect(left.at(-1)).toBe(2)
})

it('R-SPOOL-13 goes on when somebody took a file away', async () => {
  await lay(bytes)
  await writeFile(file.replace('/0000000001', '/0000000002'), bytes)
  const spool = await bench.open()
  await rm(file)
  await expect(spool.read(10)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await numbersLeft(spool)).toEqual(numbersWithout(undefined))
  expect(spool.state).toMatchObject({ messages: 0, damagedBytes: bytes.length })
  expect(await bench.files()).toEqual([])
})
