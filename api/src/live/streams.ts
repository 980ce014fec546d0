import { existingDevices } from '@telltale/infra/storage/devices'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Deps } from '../deps.ts'
import { type DeviceSelection, parseDeviceIds } from '../devices/ids.ts'
import { ProblemError } from '../problems.ts'
import type { Principal } from '../session/authenticate.ts'
import { liveLimits } from './limits.ts'

/** 200 ids of 64 characters and their commas. */
export const StreamDevices = Type.Optional(
  Type.String({
    maxLength: 14_000,
    default: '*',
    description: 'device ids, * for fleet events, or both: *,kitchen',
  }),
)

/** @throws ProblemError when a device does not exist */
export async function selectDevices({ pool }: Deps, text: string): Promise<DeviceSelection> {
  const selection = parseDeviceIds(text, liveLimits.idsPerStreamMax)
  const known = await existingDevices(pool, selection.ids)
  if (known.size < selection.ids.length) throw new ProblemError('device_not_found')
  return selection
}

/** One of the places a user has for streams. */
export interface StreamPlace {
  /** Aborted when the session or token behind the stream ends. */
  ended: AbortSignal
  /** Gives the place back; again does nothing. */
  release: () => void
}

/**
 * Takes a place before anything is awaited, so that a burst cannot pass the limit. Streams, polls and sockets of one
 * user count together.
 * @throws ProblemError too_many_streams
 */
export function takeStreamPlace({ sessions }: Deps, principal: Principal): StreamPlace {
  if (sessions.countOf(principal.name) >= liveLimits.streamsPerUserMax)
    throw new ProblemError('too_many_streams')
  const controller = new AbortController()
  return { ended: controller.signal, release: sessions.add(principal, () => controller.abort()) }
}

/** EventSource sends the header by itself; the parameter is for clients that start over with a known id. */
export function lastEventIdOf(request: FastifyRequest, parameter: string | undefined): string | undefined {
  const header = request.headers['last-event-id']
  return (typeof header === 'string' && header) || parameter || undefined
}
