/** Each promise of reliability with the number that decides it. */
import type { Taken } from './lives.ts'
import { PROGRAMS, type ProgramName } from './programs.ts'
import type { Findings } from './run.ts'
import { ALL_RECOVERED_MS_MAX, type Happened, RECOVERY_MS_MAX, seconds } from './schedule.ts'

export interface Verdict {
  promise: string
  what: string
  found: string
  holds: boolean
}

const MEMORY_BYTES_MAX = 512 * 1024 * 1024
const OUT_WITHIN_MS = 10_000
const MIB = 1024 * 1024
/** A run of so long has a life long enough for a trend; of a shorter one none is asked for. */
const TREND_MS_MIN = 30 * 60_000
/** What a process may take more after an hour of its life. */
const ROOM: Readonly<Record<Taken, number>> = { rssBytes: 32 * MIB, descriptors: 10, connections: 4 }
/** What garbage and chance move without any trend: in a soak that was well, the API took 9 MiB more. */
const NOISE: Readonly<Record<Taken, number>> = { rssBytes: 16 * MIB, descriptors: 3, connections: 2 }

export function judge(findings: Findings): Verdict[] {
  const { comparison, happened, stops, unexpected } = findings
  const slowestStop = stops.reduce((most, { tookMs }) => Math.max(most, tookMs), 0)
  const badCodes = stops.filter(({ code }) => code !== undefined && code !== 0)
  const notDone = happened.filter(({ failure }) => failure !== undefined)
  const exactly = (promise: string, what: string, count: number): Verdict => ({
    ...{ promise, what, found: String(count), holds: count === 0 },
  })
  return [
    exactly('M', 'acknowledged but missing', comparison.missing),
    exactly('D', 'stored twice (with a ts, or sent once)', comparison.twice),
    exactly('P', 'stored but never sent, or with another value', comparison.neverSent),
    exactly('P', 'readable and yet rejected', comparison.wronglyRejected),
    exactly('X', 'programs that ended by themselves, and crashes in logs', unexpected.length),
    ...memory(findings),
    ...growths(findings),
    ...recoveries(findings),
    exactly('T', 'messages kept on disk, or not taken, though no fault was near', findings.astray.length),
    exactly('T', 'sent and never acknowledged', findings.unacknowledged),
    exactly('T', 'exchanges of QoS 2 that never ended', findings.uncompleted),
    exactly('order', 'answers out of order, or to nothing', findings.outOfOrder + findings.nobodyAsked),
    {
      ...{
        promise: 'stop',
        what: `slowest of ${stops.length} orderly stops (10 s); exit codes of whole products, all 0`,
      },
      found: `${seconds(slowestStop)}${badCodes.length > 0 ? `, ${badCodes.length} with another code` : ''}`,
      holds: slowestStop <= OUT_WITHIN_MS && badCodes.length === 0,
    },
    exactly('run', 'faults that could not be done', notDone.length),
  ]
}

/** Undefined when one never recovered. */
function slowestOf(
  happened: readonly Happened[],
  of: (one: Happened) => number | undefined,
): number | undefined {
  let slowest = 0
  for (const one of happened) {
    const ms = of(one)
    if (ms === undefined) return undefined
    slowest = Math.max(slowest, ms)
  }
  return slowest
}

function recoveries({ happened }: Findings): Verdict[] {
  const recovery = (
    what: string,
    of: (one: Happened) => number | undefined,
    boundMs = RECOVERY_MS_MAX,
  ): Verdict => {
    const slowest = slowestOf(happened, of)
    return {
      ...{ promise: 'T', what: `slowest after a fault until ${what} (${boundMs / 1_000} s)` },
      found: happened.length === 0 ? 'no fault' : seconds(slowest),
      holds: slowest !== undefined && slowest <= boundMs,
    }
  }
  return [
    recovery('nine of ten devices are acknowledged again', (one) => one.recovery.mostMs),
    // A CONNECT that got no answer and the wait before the next one are theirs.
    recovery('every device is acknowledged again', (one) => one.recovery.allMs, ALL_RECOVERED_MS_MAX),
    recovery('messages go straight to the database again', (one) => one.directMs),
    recovery('the API is ready again', (one) => one.readyMs),
  ]
}

function memory({ lives }: Findings): Verdict[] {
  return PROGRAMS.map((program): Verdict => {
    const peak = lives.peakBytes(program)
    return {
      ...{ promise: 'R', what: `memory of the ${program}, largest (512 MB)` },
      found: Number.isNaN(peak) ? 'never seen' : mebibytes(peak),
      holds: peak < MEMORY_BYTES_MAX,
    }
  })
}

/** Within one life of a process, the steepest one, without its first minutes. A short run says nothing of it. */
function growths({ lives, loadMs }: Findings): Verdict[] {
  const growth = (program: ProgramName, name: string, of: Taken): Verdict[] => {
    const allowedIn = (minutes: number) => NOISE[of] + (ROOM[of] * minutes) / 60
    const found = lives.growth(program, of, allowedIn)
    if (!found && loadMs < TREND_MS_MIN) return []
    const show = of === 'rssBytes' ? mebibytes : (count: number) => count.toFixed(0)
    const what = `growth of the ${program} within one life: ${name}`
    if (!found) return [{ promise: 'R', what, found: 'no life long enough', holds: false }]
    const allowed = allowedIn(found.apartMinutes)
    const perHour = (60 * allowed) / found.apartMinutes
    return [
      {
        ...{
          promise: 'R',
          what: `${what} (${show(allowed)}; less than ${show(perHour)} an hour is not seen)`,
        },
        found: `${show(found.first)}, then ${show(found.last)}, ${found.apartMinutes.toFixed(0)} minutes later`,
        holds: found.last - found.first <= allowed,
      },
    ]
  }
  return [
    ...PROGRAMS.flatMap((program) => growth(program, 'memory', 'rssBytes')),
    ...PROGRAMS.flatMap((program) => growth(program, 'file descriptors', 'descriptors')),
    ...growth('broker', 'database connections of the product', 'connections'),
  ]
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`
}
