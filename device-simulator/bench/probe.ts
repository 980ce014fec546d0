/**
 * Loaded into a broker ahead of its own code (`node --import`): tells the bench what only the process itself knows.
 * The broker runs as built; an inspector session that is asked nothing costs nothing.
 */
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerWith } from './asking.ts'

const SAMPLE_EVERY_US = 500
/** What is closed gives back its memory in steps: handles, then buffers, then pages. */
const SETTLE_TURNS = 3
const SETTLE_MS = 1_000

const session = new Session()
session.connect()

answerWith({
  memory: settledMemory,
  startProfile: async () => {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
    await session.post('Profiler.start')
  },
  stopProfile: async () => (await session.post('Profiler.stop')).profile,
})
// Listening must not keep a broker running that is done.
process.channel?.unref()

/** After full collections that also give empty pages back. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) {
    await session.post('HeapProfiler.collectGarbage')
    await sleep(SETTLE_MS)
  }
  return process.memoryUsage()
}
