import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleProgram, startProgram } from './spool-programs.ts'
import { recordedCalls, recordingInto, recordingMissing, type SystemCall } from './system-calls.ts'

const APPENDS = 6
const isSegment = /^\d{10}-[0-9a-f]{16}\.v\d+$/
let folder: string

/** One by one, over two segments; then all of it is removed. */
const appendsAndRemoves = `
  const spool = await open()
  for (let n = 0; n < ${APPENDS}; n++) {
    await spool.append([numbered(n, 3_600_000)], n)
    say('acknowledged ' + n)
  }
  for (let chunk = await spool.read(1); chunk; chunk = await spool.read(1)) await spool.remove(chunk.end)
  say('removed')
  await spool.close()`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'telltale-spool-sync-'))
})

afterAll(() => rm(folder, { recursive: true }))

function isWord(call: SystemCall, word: string): boolean {
  return call.name === 'write' && call.given.includes(`"${word}`)
}

it.skipIf(recordingMissing())(
  'R-SPOOL-1 acknowledges what the system has synced, in a folder that is synced',
  async () => {
    const [program, spool, record] = ['program.mjs', 'spool', 'calls'].map((name) => join(folder, name))
    if (!program || !spool || !record) throw new Error('no folder')
    await bundleProgram(appendsAndRemoves, program)
    const words: string[] = []
    const onLine = (line: string) => void words.push(line)
    await startProgram(program, { args: [spool], through: recordingInto(record), onLine }).ended
    expect(words).toHaveLength(APPENDS + 1)

    const calls = await recordedCalls(record)
    /** The first such call that began when all of those had ended. */
    const next = (name: string, path: string, after: SystemCall | undefined) =>
      calls.find((call) => call.name === name && call.path === path && call.began > (after?.ended ?? 0))
    const writes = calls.filter(({ name, path }) => name === 'pwrite64' && isSegment.test(basename(path)))
    const segments = new Set(writes.map(({ path }) => path))
    expect(segments.size).toBe(2)
    for (let n = 0; n < APPENDS; n++) {
      const word = calls.find((call) => isWord(call, `acknowledged ${n}`))
      const written = writes.findLast((write) => write.ended < (word?.began ?? 0))
      expect(writes.filter((write) => write.ended < (word?.began ?? 0)).length).toBeGreaterThan(n)
      const synced = written && next('fdatasync', written.path, written)
      expect(synced?.ended, `fdatasync before word ${n}`).toBeLessThan(word?.began ?? 0)
    }
    const ended = calls.find((call) => isWord(call, 'removed'))
    for (const path of segments) {
      const made = calls.find((call) => call.given.includes('O_CREAT') && call.path === path)
      const first = writes.find((write) => write.path === path)
      expect(next('fsync', spool, made)?.ended, 'fsync of the folder with the new file').toBeLessThan(
        first?.began ?? 0,
      )
      const removed = calls.find((call) => call.name === 'unlink' && call.path === path)
      expect(next('fsync', spool, removed)?.ended, 'fsync of the folder without it').toBeLessThan(
        ended?.began ?? 0,
      )
    }
  },
)
