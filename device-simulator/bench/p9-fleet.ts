/** P9, fleet: ten thousand devices that are connected and send now and then, and a list that is scrolled through. */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Releases } from '@telltale/infra/service'
import { random } from '@telltale/infra/testing/random'
import type { Credential } from './generator.ts'
import { ADDRESSES, CONNECTS_AT_ONCE } from './p5-devices.ts'
import { watchEmpty } from './p9-charts.ts'
import { type FrameFigures, readHeap, readMetrics, watchFrames } from './p9-frames.ts'
import { type FunctionShare, topFunctions } from './p9-profile.ts'
import { connectDevice, openPage, publishPacket, type Stage, signInAs, type Watched } from './p9-stage.ts'
import { sendEvenly } from './pace.ts'
import { makeDevices } from './stack.ts'

const DEVICES = 10_000
const PREFIX = 'herd-'
/** Of all together: each is heard once in twenty seconds. */
const MESSAGES_PER_SECOND = 500
const SCROLL_SECONDS = 20
const VIEWPORT = { width: 1440, height: 900 }
/** As a hand on a wheel gives them. */
const TURN_MS = 16
/** Of somebody who reads, and of somebody who wants to be at the end; pixels a second. */
const SPEEDS = { reading: 1_500, fast: 25_000 }
const SETTLE_MS = 3_000
const LISTED_DEADLINE_MS = 60_000
const SEED = 9

export interface Scrolled {
  frames: FrameFigures
  /** How far down it came, of all there is. */
  share: number
}

export interface FleetResult {
  devices: number
  connected: number
  still: FrameFigures
  reading: Scrolled
  fast: Scrolled
  empty: FrameFigures
  functions: FunctionShare[]
  heap: { before: number; after: number }
  nodes: { before: number; after: number }
  violations: string[]
}

interface Plan {
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runFleet(stage: Stage, plan: Plan): Promise<FleetResult> {
  const devices = Math.ceil(DEVICES * plan.scale)
  const seconds = SCROLL_SECONDS * plan.scale
  const herd = await startHerd(stage, { ...plan, devices })
  plan.log(`P9 fleet: ${herd.connected} devices connected`)
  const watched = await openPage(stage, VIEWPORT)
  try {
    const empty = await watchEmpty(watched, () => sleep(seconds * 1_000))
    await signInAs(stage, watched)
    await watched.page
      .locator(`a[href^="/devices/${PREFIX}"]`)
      .first()
      .waitFor({ timeout: LISTED_DEADLINE_MS })
    await sleep(SETTLE_MS)
    const before = await look(watched)
    const still = await watchFrames(watched, () => sleep(seconds * 1_000))
    const reading = await scroll(watched, { seconds, speed: SPEEDS.reading })
    const fast = await scroll(watched, { seconds, speed: SPEEDS.fast })
    const functions = await topFunctions(watched.tools, () =>
      scroll(watched, { seconds: seconds / 4, speed: -SPEEDS.reading }),
    )
    await watched.page.evaluate('scrollTo(0, 0)')
    await sleep(SETTLE_MS)
    const after = await look(watched)
    for (const [name, { frames }] of Object.entries({ reading, fast }))
      plan.log(`P9 fleet, ${name}: ${frames.late} of ${frames.frames} frames late`)
    return {
      ...{ devices, connected: herd.connected, still, reading, fast, empty, functions },
      heap: { before: before.heapBytes, after: after.heapBytes },
      nodes: { before: before.nodes, after: after.nodes },
      violations:
        herd.connected < devices ? [`fleet: ${herd.connected} of ${devices} devices connected`] : [],
    }
  } finally {
    await watched.context.close()
    herd.leave()
  }
}

async function look({ tools }: Watched): Promise<{ heapBytes: number; nodes: number }> {
  return { heapBytes: await readHeap(tools), nodes: (await readMetrics(tools)).Nodes }
}

/** Down, or up with a speed below zero, by the wheel. */
async function scroll(
  watched: Watched,
  { seconds, speed }: { seconds: number; speed: number },
): Promise<Scrolled> {
  const { page } = watched
  await page.mouse.move(VIEWPORT.width / 2, VIEWPORT.height / 2)
  const frames = await watchFrames(watched, async () => {
    const startMs = performance.now()
    let lastMs = startMs
    while (performance.now() - startMs < seconds * 1_000) {
      const nowMs = performance.now()
      await page.mouse.wheel(0, (speed * (nowMs - lastMs)) / 1_000)
      lastMs = nowMs
      await sleep(Math.max(0, TURN_MS - (performance.now() - nowMs)))
    }
  })
  const share: number = await page.evaluate(
    '(scrollY + innerHeight) / document.scrollingElement.scrollHeight',
  )
  return { frames, share }
}

/** Connected for real, each with a secret of its own. */
async function startHerd(
  stage: Stage,
  { devices, releases }: Plan & { devices: number },
): Promise<{ connected: number; leave(): void }> {
  const file = await makeDevices(stage.database, { prefix: PREFIX, devices, releases })
  await describeHerd(stage)
  const credentials = JSON.parse(await readFile(file, 'utf8')) as Credential[]
  const connected: { id: string; socket: Socket }[] = []
  let next = 0
  const work = async () => {
    for (let place = next++; place < credentials.length; place = next++) {
      const localAddress = `127.1.0.${(place % ADDRESSES) + 1}`
      const device = { ...(credentials[place] as Credential), localAddress }
      const socket = await connectDevice(stage, device).catch(() => undefined)
      if (socket !== undefined) connected.push({ id: device.id, socket })
    }
  }
  await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, work))
  const numbers = random(SEED)
  let turn = 0
  const stop = sendEvenly((MESSAGES_PER_SECOND * devices) / DEVICES, () => {
    const one = connected[turn++ % connected.length]
    const temperature = Math.round((18 + 8 * numbers()) * 10) / 10
    const payload = JSON.stringify({ temperature, humidity: Math.round(40 + 30 * numbers()) })
    one?.socket.write(publishPacket(one.id, payload))
  })
  const leave = () => {
    stop()
    for (const { socket } of connected) socket.destroy()
  }
  releases.add('herd', leave)
  return { connected: connected.length, leave }
}

/** Names, types and tags as a fleet has them. */
async function describeHerd({ database }: Stage): Promise<void> {
  await database.pool.query(
    `UPDATE device SET name = 'Room ' || substr(id, $2), type = 'room-' || (substr(id, $2)::int % 5),
       tags = ARRAY['floor-' || (substr(id, $2)::int % 40), 'house-' || (substr(id, $2)::int % 7)]
     WHERE id LIKE $1`,
    [`${PREFIX}%`, PREFIX.length + 1],
  )
}
