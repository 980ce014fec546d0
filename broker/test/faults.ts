import { readdir } from 'node:fs/promises'
import type { Pool } from '@telltale/infra/storage/pool'
import type { TestApiProgram } from '@telltale/infra/testing/api'
import { waitFor } from '@telltale/infra/testing/wait'
import { expect } from 'vitest'
import { storedValues } from './clients.ts'
import type { Witness } from './witness.ts'

/** What reliability.md promises after a fault: the fault is over, and everything has to be in order so soon. */
export const RECOVERED_WITHIN_MS = 10_000

/**
 * Of a device that went through a fault: it was never disconnected, everything it sent is acknowledged, and that is
 * stored, once and nothing else. @returns how many readings that were
 */
export async function expectWhole(pool: Pool, witness: Witness): Promise<number> {
  const { sent, acknowledged, losses } = await witness.report()
  expect(losses).toEqual([])
  expect(acknowledged).toBe(sent)
  await expectStored(pool, witness.deviceId, sent)
  return sent
}

/** Its readings are 0, 1, 2, … in this order, none missing and none twice: soon, for they may be in the spool still. */
export async function expectStored(pool: Pool, deviceId: string, count: number): Promise<void> {
  const stored = async () => (await storedValues(pool, deviceId)).count ?? []
  const isThere = async () => (await stored()).length >= count
  await waitFor('all of it to be stored', isThere, RECOVERED_WITHIN_MS).catch(() => {})
  expect(await stored()).toEqual(Array.from({ length: count }, (_, i) => i))
}

/** What one sender's numbers or times, as stored, are not as promised. */
interface Breaches {
  missing: number[]
  twice: number[]
  neverSent: number[]
}

export function breachesOf(
  stored: Iterable<number>,
  { acknowledged, isSent }: { acknowledged: Iterable<number>; isSent: (one: number) => boolean },
): Breaches {
  const found = new Set<number>()
  const twice = new Set<number>()
  for (const one of stored) (found.has(one) ? twice : found).add(one)
  return {
    missing: [...acknowledged].filter((one) => !found.has(one)),
    twice: [...twice],
    neverSent: [...found].filter((one) => !isSent(one)),
  }
}

/** Waits until so many more of its readings are acknowledged. */
export function flowsAgain(witness: Witness, more = 20): Promise<boolean> {
  const before = witness.acknowledged
  return waitFor(
    `readings of ${witness.deviceId}`,
    () => witness.acknowledged >= before + more,
    RECOVERED_WITHIN_MS,
  )
}

/** File descriptors that a process has open (Linux). */
export async function descriptorsOf(pid: number | undefined): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}

/** A live stream of the API, as text. */
export async function followStream(api: TestApiProgram, deviceId: string) {
  const ending = new AbortController()
  const answer = await fetch(`${api.url}/api/v1/events?devices=${deviceId}`, {
    headers: { authorization: `Bearer ${api.token}` },
    signal: ending.signal,
  })
  const stream = { status: answer.status, text: '', isOver: false, close: () => ending.abort() }
  const read = async () => {
    for await (const chunk of answer.body ?? []) stream.text += Buffer.from(chunk).toString()
  }
  void read()
    .catch(() => {})
    .finally(() => {
      stream.isOver = true
    })
  return stream
}
