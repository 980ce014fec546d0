import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

const WORK_MS = 20

/** How many of `asked` run at once at most, and how long all of them took. */
async function measure(ingestShare: number, asked: number) {
  const turns = new Turns(() => ingestShare)
  let running = 0
  let most = 0
  const startedMs = performance.now()
  await Promise.all(
    Array.from({ length: asked }, () =>
      turns.run(async () => {
        most = Math.max(most, ++running)
        await sleep(WORK_MS)
        running--
      }),
    ),
  )
  return { most, tookMs: performance.now() - startedMs }
}

it('T-TURNS-1 charts share four connections while ingest is at ease', async () => {
  expect((await measure(0, 12)).most).toBe(limits.history.connectionsMax)
})

it('T-TURNS-2 while ingest is busy they take turns, and rest in between', async () => {
  const { most, tookMs } = await measure(1, 4)
  expect(most).toBe(1)
  // Three rests between four turns; timers may fire a millisecond early.
  expect(tookMs).toBeGreaterThan(4 * WORK_MS + 3 * WORK_MS * (1 / limits.history.busyTimeShare - 1) - 10)
})

it('T-TURNS-3 a failure gives its place back, and who waits too long is told to come again', async () => {
  const turns = new Turns(() => 1)
  await expect(turns.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  let release = () => {}
  const first = turns.run(() => new Promise<void>((resolve) => (release = resolve)))
  await expect(turns.run(async () => {}, 20)).rejects.toMatchObject({ code: 'history_busy' })
  const last = turns.run(async () => 'served')
  release()
  await first
  expect(await last).toBe('served')
})
