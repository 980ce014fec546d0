import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '@telltale/infra/limits'
import { StartError } from '@telltale/infra/service'
import { random } from '@telltale/infra/testing/random'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { numbered, numberOf } from './numbered.ts'
import { type Spool, SpoolRefusal } from './spool.ts'
import { Bench, numbersLeft, upTo } from './spool-fixtures.ts'

const seed = Number(process.env.TELLTALE_TEST_SEED ?? Date.now() % 1_000_000)
const MIB = 1024 * 1024
let bench: Bench

beforeEach(async () => {
  bench = await Bench.make()
})

afterEach(() => bench.end())

/** Appends, reads, removes and reopens at random, and knows what must be there. */
class Walk {
  readonly next = random(seed)
  spool: Spool
  appended = 0
  removed = 0

  constructor(spool: Spool) {
    this.spool = spool
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  async step(): Promise<void> {
    const dice = this.next()
    if (dice < 0.5) await this.append()
    else if (dice < 0.95) await this.read()
    else await this.reopen()
    expect(this.spool.state.messages).toBe(this.appended - this.removed)
  }

  async append(): Promise<void> {
    const calls = Array.from({ length: 1 + this.below(4) }, () => {
      // Now and then large ones, so that segments fill up, and one append is more than a frame.
      const bytes = this.below(20) === 0 ? MIB : 10 + this.below(300)
      const records = upTo(this.below(bytes === MIB ? 8 : 60)).map((i) => numbered(this.appended + i, bytes))
      this.appended += records.length
      return this.spool.append(records, this.appended)
    })
    await Promise.all(calls)
  }

  async read(): Promise<void> {
    const chunk = await this.spool.read(1 + this.below(200))
    const numbers = (chunk?.records ?? []).map(numberOf)
    expect(numbers).toEqual(numbers.map((_, i) => this.removed + i))
    expect(numbers.length > 0).toBe(this.appended > this.removed)
    if (!chunk || this.below(3) === 0) return
    await this.spool.remove(chunk.end)
    this.removed += numbers.length
  }

  /** How far a segment was read is forgotten, what was deleted is not. */
  async reopen(): Promise<void> {
    this.spool = await bench.reopen()
    const again = this.appended - this.removed
    expect(this.spool.state.messages).toBeGreaterThanOrEqual(again)
    this.removed = this.appended - this.spool.state.messages
  }
}

it('R-SPOOL-1 gives back what it took, in order, over many segments', async () => {
  console.log(`spool: TELLTALE_TEST_SEED=${seed}`)
  const walk = new Walk(await bench.open())
  for (let i = 0; i < 120; i++) await walk.step()
  expect(await numbersLeft(walk.spool)).toEqual(
    upTo(walk.appended - walk.removed).map((i) => walk.removed + i),
  )
  expect(bench.lines).toEqual([])
  expect(await bench.files()).toEqual([])
})

it('R-SPOOL-1 gives nothing that is not synced, and an append larger than a frame whole', async () => {
  const spool = await bench.open()
  const appended = spool.append(
    upTo(21).map((n) => numbered(n, MIB)),
    1,
  )
  const early = await spool.read(100)
  expect(early).toBe(undefined)
  await appended
  const chunk = await spool.read(100)
  // Three fit a frame, and more than the bytes of a frame are enough for a chunk.
  expect(chunk?.records.map(numberOf)).toEqual(upTo(6))
  expect(await numbersLeft(spool)).toEqual(upTo(21))
})

it('R-SPOOL-1 is emptied while it is filled', async () => {
  const spool = await bench.open()
  const count = 24
  const fill = async () => {
    for (const n of upTo(count)) await spool.append([numbered(n, MIB)], n)
  }
  const filled = fill()
  const seen: number[] = []
  while (seen.length < count) {
    seen.push(...(await numbersLeft(spool, 1)))
    await new Promise(setImmediate)
  }
  await filled
  expect(seen).toEqual(upTo(count))
  await expect.poll(() => bench.files()).toEqual([])
})

it('R-SPOOL-2 takes no bytes on disk when it is emptied, and goes on', async () => {
  const spool = await bench.open()
  expect(await bench.files()).toEqual([])
  for (const round of [1, 2]) {
    await spool.append([numbered(0), numbered(1)], round)
    expect(await bench.files()).toHaveLength(1)
    expect(spool.state).toMatchObject({ messages: 2, oldestReceivedMs: round })
    expect(await numbersLeft(spool)).toEqual([0, 1])
    expect(await bench.files()).toEqual([])
    const { bytes, messages, oldestReceivedMs } = spool.state
    expect({ bytes, messages, oldestReceivedMs }).toEqual({
      bytes: 0,
      messages: 0,
      oldestReceivedMs: undefined,
    })
  }
})

it('R-SPOOL-2 deletes an emptied segment while others still hold something', async () => {
  const spool = await bench.open()
  for (let n = 0; n < 36; n++) await spool.append([numbered(n, MIB)], n)
  expect(await bench.files()).toHaveLength(3)
  let removed = 0
  for (let chunk = await spool.read(5); chunk && removed < 20; chunk = await spool.read(5)) {
    await spool.remove(chunk.end)
    removed += chunk.records.length
  }
  expect(await bench.files()).toHaveLength(2)
  expect(spool.state.messages).toBe(36 - removed)
  // What was removed of a segment that is still there comes again.
  const again = await bench.reopen()
  expect(await numbersLeft(again)).toEqual(upTo(36).slice(15))
})

it('R-SPOOL-2 leaves on disk all that it was not told to remove', async () => {
  console.log(`spool: TELLTALE_TEST_SEED=${seed}`)
  const next = random(seed)
  const [segments, perSegment] = [3, 12]
  const count = segments * perSegment
  let spool = await bench.open()
  for (let n = 0; n < count; n += 2) {
    // A start writes to a new file.
    if (n % perSegment === 0) spool = await bench.reopen()
    await spool.append([numbered(n), numbered(n + 1)], n)
  }
  expect(await bench.files()).toHaveLength(segments)
  for (let removed = 0; removed < count; ) {
    const first = await spool.read(1 + Math.floor(next() * 5))
    // What was read and not removed, or read once more behind it, is nothing to remove.
    await spool.read(count)
    if (!first) break
    await spool.remove(first.end)
    removed += first.records.length
    const left = await bench.numbersOnDisk()
    expect(left.slice(removed - count)).toEqual(removed < count ? upTo(count).slice(removed) : [])
    expect(spool.state.messages).toBe(count - removed)
  }
  expect(await bench.files()).toEqual([])
})

it('R-SPOOL-15 begins a new file after so many messages, so that after a crash few are stored again', async () => {
  const spool = await bench.open()
  const half = limits.spool.segmentMessagesMax / 2
  for (const part of upTo(5))
    await spool.append(
      upTo(half).map((n) => numbered(part * half + n)),
      1,
    )
  expect(await bench.files()).toHaveLength(3)
  for (let removed = 0; removed < 3 * half; ) {
    const chunk = await spool.read(3 * half - removed)
    if (!chunk) break
    await spool.remove(chunk.end)
    removed += chunk.records.length
  }
  expect(await bench.numbersOnDisk()).toEqual(upTo(5 * half).slice(2 * half))
})

it('R-SPOOL-3 refuses whole appends when it is full, and takes again as soon as there is room', async () => {
  const spool = await bench.open(10_000)
  const ten = (from: number) => upTo(10).map((i) => numbered(from + i, 100))
  let taken = 0
  let refusal: unknown
  while (!refusal) {
    await spool.append(ten(taken), 1).then(
      () => {
        taken += 10
      },
      (error) => {
        refusal = error
      },
    )
  }
  expect(refusal).toBeInstanceOf(SpoolRefusal)
  expect(refusal).toMatchObject({ reason: 'full' })
  expect(spool.state.bytes).toBeLessThanOrEqual(10_000)
  // Something smaller still finds room beside one that does not.
  const large = spool.append(ten(taken), 1)
  const small = spool.append([numbered(taken)], 1)
  await expect(large).rejects.toMatchObject({ reason: 'full' })
  await small
  expect(await numbersLeft(spool)).toEqual(upTo(taken + 1))
  await spool.append(ten(0), 1)
  expect(await numbersLeft(spool)).toEqual(upTo(10))
})

it('R-SPOOL-12 takes less room for messages that resemble each other, and gives them back whole', async () => {
  const spool = await bench.open()
  const line = (n: number) =>
    Buffer.from(`{"m":{"d":"device-${n % 7}","t":${n},"v":[{"temperature":${n / 8}}]}}`)
  const lines = upTo(2_000).map(line)
  await spool.append(lines, 1)
  await spool.append(lines.slice(0, 1), 1)
  const [name = ''] = await bench.files()
  const { size } = await stat(join(bench.folder, name))
  expect(spool.state.bytes).toBe(size)
  expect(size).toBeLessThan(Buffer.concat(lines).length / 4)
  const again = await bench.reopen()
  expect(again.state).toMatchObject({ messages: 2_001, bytes: size })
  const read: Buffer[] = []
  for (let chunk = await again.read(500); chunk; chunk = await again.read(500)) {
    read.push(...chunk.records)
    await again.remove(chunk.end)
  }
  expect(read).toEqual([...lines, ...lines.slice(0, 1)])
})

it('R-SPOOL-12 is full by what is on disk, and reads no more than a frame at once', async () => {
  const spool = await bench.open(1_000_000)
  const record = Buffer.alloc(2 * MIB, 'telltale')
  for (const n of upTo(10)) await spool.append([record, record.subarray(n)], n)
  expect(spool.state.bytes).toBeLessThan(1_000_000)
  expect((await spool.read(100))?.records).toHaveLength(2)
})

it('R-SPOOL-12 refuses a record that is longer than a frame, and nothing else', async () => {
  const spool = await bench.open()
  const longest = limits.spool.frameBytesMax - 4
  const [large, small] = [Buffer.alloc(longest + 1), numbered(1)]
  const refused = spool.append([small, large], 1)
  const kept = spool.append([numbered(0, longest)], 1)
  await expect(refused).rejects.toMatchObject({ reason: 'failed' })
  await kept
  expect(await numbersLeft(await bench.reopen())).toEqual([0])
})

it('R-SPOOL-9 refuses to start on what a newer version wrote, and leaves it alone', async () => {
  const name = '0000000001-00112233445566ff.v2'
  await writeFile(join(bench.folder, name), 'something new')
  const error = await bench.open().catch((error) => error)
  expect(error).toBeInstanceOf(StartError)
  expect(error.message).toContain(`was written by a newer Telltale (${name})`)
  expect(await bench.files()).toEqual([name])
})

it('R-SPOOL-9 refuses what comes after its end', async () => {
  const spool = await bench.open()
  const last = spool.append([numbered(0)], 1)
  await spool.close()
  await last
  await expect(spool.append([numbered(1)], 1)).rejects.toMatchObject({ reason: 'failed' })
  expect(await numbersLeft(await bench.open())).toEqual([0])
})
