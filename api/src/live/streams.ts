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

/** Streams, polls and sockets of one user together. */
export function checkStreamLimit({ sessions }: Deps, principal: Principal): void {
  if (sessions.countOf(principal.name) >= liveLimits.streamsPerUserMax)
    throw new ProblemError('too_many_streams')
}

/** EventSource sends the header by itself; the parameter is for clients that start over with a known id. */
export function lastEventIdOf(request: FastifyRequest, parameter: string | undefined): string | undefined {
  const header = request.headers['last-event-id']
  return (typeof header === 'string' && header) || parameter || undefined
}
