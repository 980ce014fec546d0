import type { ServerResponse } from 'node:http'
import { Type } from 'typebox'
import { PollAnswer } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { ProblemError } from '../problems.ts'
import type { Hub } from './hub.ts'
import { liveLimits } from './limits.ts'
import { StreamDevices, selectDevices, takeStreamPlace } from './streams.ts'

const Query = Type.Object({
  devices: StreamDevices,
  cursor: Type.Optional(
    Type.String({ maxLength: 64, description: 'of the last answer; without it, from now on' }),
  ),
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: liveLimits.pollWaitMaxS, default: 25, description: 'seconds' }),
  ),
})

export function pollRoutes(app: Api, deps: Deps): void {
  app.get(
    '/events/poll',
    {
      exposeHeadRoute: false,
      config: { role: 'viewer', isStream: true },
      schema: {
        tags: ['live'],
        summary: 'The same events by long polling',
        querystring: Query,
        response: { 200: PollAnswer },
      },
    },
    async (request, reply) => {
      const place = takeStreamPlace(deps, request)
      try {
        const { devices = '*', cursor, wait = 25 } = request.query
        const selection = await selectDevices(deps, devices)
        reply.header('cache-control', 'no-store')
        const until = { ended: place.ended, raw: reply.raw, waitMs: wait * 1_000 }
        return await poll(deps, { selection, cursor }, until)
      } finally {
        place.release()
      }
    },
  )
}

interface Asked {
  selection: DeviceSelection
  cursor: string | undefined
}

interface Until {
  ended: AbortSignal
  raw: ServerResponse
  waitMs: number
}

/** What only a resync of the hub and its stop concern. */
const NOTHING: DeviceSelection = { all: false, ids: [] }

async function poll({ hub }: Deps, asked: Asked, until: Until): Promise<PollAnswer> {
  const { selection } = asked
  await hub.hold(selection)
  try {
    const found = await find(hub, asked, until)
    // Also while its devices were subscribed, or looked up.
    if (until.ended.aborted) throw new ProblemError('not_signed_in')
    return withTotals(hub, selection, found)
  } finally {
    hub.unhold(selection)
  }
}

/**
 * Where nothing can be replayed there is nothing to wait for, and the next cursor may be foreign too: behind a balancer
 * without stickiness every one is. That answer takes its time, so that its client does not ask as fast as it can.
 */
async function find(hub: Hub, { selection, cursor }: Asked, until: Until): Promise<PollAnswer> {
  if (cursor === undefined) return nothingSince(hub)
  if ('resync' in hub.replay(selection, cursor)) {
    const waitMs = Math.min(until.waitMs, liveLimits.pollResyncDelayMs)
    await waitForEvent(hub, NOTHING, { ...until, waitMs })
  } else {
    const missed = answer(hub, selection, cursor)
    if (missed) return missed
    await waitForEvent(hub, selection, until)
  }
  return answer(hub, selection, cursor) ?? nothingSince(hub)
}

function nothingSince({ position }: Hub): PollAnswer {
  return { events: [], cursor: position }
}

/** Undefined: nothing happened since. */
function answer(hub: Hub, selection: DeviceSelection, cursor: string): PollAnswer | undefined {
  const replay = hub.replay(selection, cursor)
  if ('resync' in replay) {
    const id = hub.position
    return { events: [{ id, type: 'resync', data: { reason: replay.resync } }], cursor: id }
  }
  const events: PollAnswer['events'] = []
  let bytes = 0
  for (const { id, event, json } of replay.entries) {
    events.push({ id, type: event.type, data: event.data })
    bytes += json.length
    if (events.length >= liveLimits.pollEventsMax || bytes >= liveLimits.pollBytesMax) break
  }
  const last = events.at(-1)
  return last && { events, cursor: last.id }
}

/** They are no events that one can miss: an answer that has something to tell of the fleet ends with the newest. */
function withTotals(hub: Hub, { all }: DeviceSelection, { events, cursor }: PollAnswer): PollAnswer {
  if (!all || !hub.totals || events.length === 0) return { events, cursor }
  return { events: [...events, { id: cursor, type: 'totals', data: hub.totals }], cursor }
}

/** Until something happens, the time is up, the client is gone, or its session ends. */
function waitForEvent(hub: Hub, selection: DeviceSelection, { ended, raw, waitMs }: Until): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      forgetEvent()
      ended.removeEventListener('abort', finish)
      raw.off('close', finish)
      resolve()
    }
    const timer = setTimeout(finish, waitMs)
    const forgetEvent = hub.onNext(selection, finish)
    ended.addEventListener('abort', finish)
    raw.on('close', finish)
    // Over before it began: the event will not come again.
    if (ended.aborted || raw.destroyed) finish()
  })
}
