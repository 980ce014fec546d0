/** What each process took, from its beginning to its end, a minute after the other: a restart hides no growth. */
import type { ProgramName } from './programs.ts'

/** One look at a process. */
export interface Look {
  program: ProgramName
  pid: number
  atMs: number
  rssBytes: number | undefined
  /** The most it ever took, as the system knows it. */
  peakBytes: number | undefined
  descriptors: number | undefined
  /** Of the whole product at the database; undefined while it does not answer, and between two looks. */
  connections: number | undefined
}

const TAKEN = ['rssBytes', 'descriptors', 'connections'] as const
export type Taken = (typeof TAKEN)[number]

interface Life {
  pid: number
  /** The middle of each whole minute: a moment in which all devices are cut off, or of much garbage, is no trend. */
  minutes: Record<Taken, number[]>
}

/** What was taken at the beginning and at the end of a life, and how far apart the middles of the two are. */
interface Growth {
  apartMinutes: number
  first: number
  last: number
}

const MINUTE_MS = 60_000
/** Buffers grow, code is compiled, and everybody connects. */
const WARM_UP_MINUTES = 2
/** A shorter life says nothing. */
const LIFE_MINUTES_MIN = 10

export class Lives {
  readonly #lives: Record<ProgramName, Life[]> = { broker: [], api: [] }
  readonly #peaks: Record<ProgramName, number> = { broker: 0, api: 0 }
  readonly #minute = new Map<ProgramName, { pid: number; startedMs: number; looks: Look[] }>()

  take(look: Look): void {
    const { program, pid, atMs } = look
    this.#peaks[program] = Math.max(this.#peaks[program], look.peakBytes ?? 0, look.rssBytes ?? 0)
    const minute = this.#minute.get(program)
    if (minute?.pid !== pid) {
      this.#lives[program].push({ pid, minutes: { rssBytes: [], descriptors: [], connections: [] } })
      this.#minute.set(program, { pid, startedMs: atMs, looks: [look] })
    } else if (atMs - minute.startedMs < MINUTE_MS) minute.looks.push(look)
    else {
      const life = this.#lives[program].at(-1) as Life
      for (const what of TAKEN) life.minutes[what].push(middleOf(minute.looks.map((one) => one[what])))
      this.#minute.set(program, { pid, startedMs: atMs, looks: [look] })
    }
  }

  /** NaN of a program that was never seen. */
  peakBytes(program: ProgramName): number {
    return this.#peaks[program] === 0 ? Number.NaN : this.#peaks[program]
  }

  /** Of all lives that were long enough, the one most above what is allowed; undefined when none was. */
  growth(program: ProgramName, what: Taken, allowed: (apartMinutes: number) => number): Growth | undefined {
    let worst: Growth | undefined
    const excess = ({ first, last, apartMinutes }: Growth) => last - first - allowed(apartMinutes)
    for (const { minutes } of this.#lives[program]) {
      if (minutes[what].length < LIFE_MINUTES_MIN) continue
      const values = minutes[what].slice(WARM_UP_MINUTES).filter((value) => !Number.isNaN(value))
      if (values.length < 2) continue
      const third = Math.ceil(values.length / 3)
      const growth = {
        apartMinutes: values.length - third,
        first: middleOf(values.slice(0, third)),
        last: middleOf(values.slice(-third)),
      }
      if (!worst || excess(growth) > excess(worst)) worst = growth
    }
    return worst
  }
}

function middleOf(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  return known[known.length >> 1] ?? Number.NaN
}
