import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveClient } from './client.ts'
import { alone, FarServer } from './far-end.ts'
import type { PollOutcome } from './server.ts'

/** Promise T is 10 s; the rest is for connections and answers, which take no time here. */
const recoveryMaxMs = 9_200
const stepMs = 100
const longest = 1

/** `silent`: as `hung`, and the stream there was does not end either, but brings nothing any more. */
type Fault = 'refused' | 'hung' | 'silent'

/** How long after the end of a fault of `faultMs` the client is live, when waits are spread as long as they can be. */
async function recoveryMs(fault: Fault, faultMs: number): Promise<number> {
  const server = new FarServer()
  const client = new LiveClient({ server, surroundings: alone(), onDoubt: () => {}, random: () => longest })
  client.start('anna')
  server.newest.hello('1')
  if (fault === 'silent') server.newest.send('totals', { time: 1, messagesPerSecond: 1, connections: 1 }, '1')
  else server.newest.send('error', null)
  await during(faultMs, () => {
    if (fault === 'refused') refuse(server)
  })
  const [before] = server.streams
  const [streams, polls] = [server.streams.length, server.polls.length]
  let tookMs = 0
  const isLive = () => server.newest !== before && client.getState().phase === 'live'
  while (!isLive() && tookMs < 60_000) {
    // What began before the end stays where it is: nobody knows of it any more.
    for (const stream of server.streams.slice(streams)) if (!stream.closed) stream.hello('2')
    for (const poll of server.polls.slice(polls)) poll.answer(emptyAnswer)
    await vi.advanceTimersByTimeAsync(stepMs)
    tookMs += stepMs
  }
  client.stop()
  return tookMs
}

const emptyAnswer: PollOutcome = { kind: 'answer', events: [], cursor: '2', serverTime: null }

function refuse(server: FarServer): void {
  if (!server.newest.closed) server.newest.send('error', null)
  server.polls.at(-1)?.answer({ kind: 'unreachable' })
}

async function during(ms: number, act: () => void): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    act()
    await vi.advanceTimersByTimeAsync(stepMs)
  }
}

describe('after a fault', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each<Fault>(['refused', 'hung', 'silent'])(
    'L-BACK-7 the screen is live within 10 s of the end, however long everything was %s',
    async (fault) => {
      const took: number[] = []
      for (let faultMs = 500; faultMs <= 45_000; faultMs += 500) took.push(await recoveryMs(fault, faultMs))
      console.log(`live again after ${Math.min(...took)} to ${Math.max(...took)} ms`)
      expect(Math.max(...took)).toBeLessThan(recoveryMaxMs)
    },
  )
})
