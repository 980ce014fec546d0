/**
 * Loaded into a broker or an API ahead of its own code (`node --import`): tells the bench what only the process itself
 * knows. The program runs as built; an inspector session that is asked nothing costs nothing.
 */
import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerWith } from './asking.ts'
import type { CpuProfile } from './profile.ts'

const SAMPLE_EVERY_US = 500
/** What is closed gives back its memory in steps: handles, then buffers, then pages. */
const SETTLE_TURNS = 3
const SETTLE_MS = 1_000

/** On the clock of the profiler. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1_000n)
let markUs = 0

const session = new Session()
session.connect()

answerWith({
  memory: settledMemory,
  /** Finer than the ticks of /proc. */
  cpu: () => process.cpuUsage(),
  startProfile: async () => {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
    await session.post('Profiler.start')
  },
  /** What the profile tells begins here. Code compiled before it ran would hide what was inlined into it. */
  markProfile: () => {
    markUs = monotonicUs()
  },
  stopProfile: async (): Promise<CpuProfile> => {
    const { profile } = await session.post('Profiler.stop')
    return { nodes: countHits(profile, markUs) }
  },
})
// Listening must not keep a broker running that is done.
process.channel?.unref()

function countHits({ nodes, startTime, samples = [], timeDeltas = [] }: Profiler.Profile, fromUs: number) {
  const hits = new Map<number, number>()
  let atUs = startTime
  for (const [i, id] of samples.entries()) {
    atUs += timeDeltas[i] ?? 0
    if (atUs >= fromUs) hits.set(id, (hits.get(id) ?? 0) + 1)
  }
  return nodes.map((node) => ({ ...node, hitCount: hits.get(node.id) ?? 0 }))
}

/** After full collections that also give empty pages back. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) {
    await session.post('HeapProfiler.collectGarbage')
    await sleep(SETTLE_MS)
  }
  return process.memoryUsage()
}
