/** When the load is over: until nothing waits on the broker's own disk. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Site } from '@telltale/infra/testing/product'

const POLL_MS = 500
/** The API hears of the broker's spool once a second: one look may be of a moment ago. */
const QUIET_LOOKS = 4
/** Without progress it is given up. */
const STUCK_MS = 60_000

interface Readiness {
  ready: boolean
  spool?: { messages: number; damagedBytes?: number } | null
}

/**
 * @returns how long it took, at most some seconds more than until the last one was stored
 * @throws Error when messages stay in the spool
 */
export async function untilStored(site: Site, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now()
  let least = Number.POSITIVE_INFINITY
  let progressMs = performance.now()
  for (let quiet = 0; quiet < QUIET_LOOKS && !signal.aborted; ) {
    const readiness = await askReadiness(site)
    const waiting = readiness?.ready ? (readiness.spool?.messages ?? 0) : Number.POSITIVE_INFINITY
    quiet = waiting === 0 ? quiet + 1 : 0
    if (waiting < least || waiting === 0) {
      least = waiting
      progressMs = performance.now()
    }
    if (performance.now() - progressMs > STUCK_MS)
      throw new Error(`the spool does not empty: ${JSON.stringify(readiness)}`)
    await sleep(POLL_MS)
  }
  return performance.now() - startedMs
}

async function askReadiness({ dashboard }: Site): Promise<Readiness | undefined> {
  try {
    const answer = await fetch(`${dashboard}/readyz?verbose`, { signal: AbortSignal.timeout(5_000) })
    return (await answer.json()) as Readiness
  } catch {
    return undefined
  }
}

const PROBE_EVERY_MS = 200
const PROBE_MS = 1_000

/** @returns after how long the API says that it is ready; undefined when it does not until the deadline */
export async function untilReady(
  { dashboard }: Pick<Site, 'dashboard'>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const startedMs = performance.now()
  const sinceMs = () => performance.now() - startedMs
  while (sinceMs() < deadlineMs && !signal.aborted) {
    const answer = await fetch(`${dashboard}/readyz`, { signal: AbortSignal.timeout(PROBE_MS) }).catch(
      () => {},
    )
    await answer?.body?.cancel()
    if (answer?.ok) return sinceMs()
    await sleep(PROBE_EVERY_MS)
  }
  return undefined
}

/**
 * What only a crash says. Node itself ends with its version; what could not be released when a program stopped is an
 * AggregateError, while one of a connection that was refused has its code before the colon, and one that was logged
 * is within a line of JSON.
 */
const CRASH =
  /uncaught|unhandled|unexpected error|"level":60|heap out of memory|^[^{]*AggregateError: |^Node\.js v\d/i
const CRASHES_MAX = 20

/** Lines of what a program printed that no fault of ours explains. */
export function crashesIn(printed: string): string[] {
  const found = printed.split('\n').filter((line) => CRASH.test(line))
  return [...new Set(found)].slice(0, CRASHES_MAX).map((line) => line.slice(0, 500))
}

/** The same of their logs. */
export async function findCrashes(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) }))
      if (CRASH.test(line) && found.length < CRASHES_MAX) found.push(`${name}: ${line.slice(0, 500)}`)
  }
  return found
}
