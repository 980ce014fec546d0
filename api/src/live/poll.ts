import type { ServerResponse } from 'node:http'
import { Type } from 'typebox'
import { PollAnswer } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { ProblemError } from '../problems.ts'
import type { Principal } from '../session/authenticate.ts'
import { principalOf } from '../session/guard.ts'
import { liveLimits } from './limits.ts'
import { checkStreamLimit, StreamDevices, selectDevices } from './streams.ts'

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
      const principal = principalOf(request)
      checkStreamLimit(deps, principal)
      const { devices = '*', cursor, wait = 25 } = request.query
      const selection = await selectDevices(deps, devices)
      await deps.hub.hold(selection)
      try {
        reply.header('cache-control', 'no-store')
        if (cursor === undefined) return { events: [], cursor: deps.hub.position }
        const waitMs = wait * 1_000
        return (
          answer(deps, selection, cursor) ??
          ((await waitForEvent(deps, selection, { principal, raw: reply.raw, waitMs })) === 'ended'
            ? refuse()
            : (answer(deps, selection, cursor) ?? { events: [], cursor: deps.hub.position }))
        )
      } finally {
        deps.hub.unhold(selection)
      }
    },
  )
}

function refuse(): never {
  throw new ProblemError('not_signed_in')
}

/** Undefined: nothing happened since. */
function answer({ hub }: Deps, selection: DeviceSelection, cursor: string): PollAnswer | undefined {
  const replay = hub.replay(selection, cursor)
  if ('resync' in replay) {
    const id = hub.position
    return { events: [{ id, type: 'resync', data: { reason: replay.resync } }], cursor: id }
  }
  const entries = replay.entries.slice(0, liveLimits.pollEventsMax)
  if (entries.length === 0) return undefined
  const events = entries.map(({ id, event: { type, data } }) => ({ id, type, data }))
  return { events, cursor: events.at(-1)?.id ?? cursor }
}

/** Until something happens, the time is up, the client is gone, or its session ends. */
function waitForEvent(
  { hub, sessions }: Deps,
  selection: DeviceSelection,
  { principal, raw, waitMs }: { principal: Principal; raw: ServerResponse; waitMs: number },
): Promise<'continue' | 'ended'> {
  return new Promise((resolve) => {
    const finish = (how: 'continue' | 'ended') => {
      clearTimeout(timer)
      forgetSession()
      forgetEvent()
      raw.off('close', onClose)
      resolve(how)
    }
    const onClose = () => finish('continue')
    const timer = setTimeout(onClose, waitMs)
    const forgetEvent = hub.onNext(selection, onClose)
    const forgetSession = sessions.add(principal, () => finish('ended'))
    raw.on('close', onClose)
  })
}
