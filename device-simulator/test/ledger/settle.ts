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

const CRASH = /uncaught|unhandled|unexpected error|"level":60|heap out of memory/i
const CRASHES_MAX = 20

/** Lines of the programs' logs that no fault of ours explains. */
export async function findCrashes(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) }))
      if (CRASH.test(line) && found.length < CRASHES_MAX) found.push(`${name}: ${line.slice(0, 500)}`)
  }
  return found
}
