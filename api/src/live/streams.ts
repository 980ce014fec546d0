import { existingDevices } from '@telltale/infra/storage/devices'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Deps } from '../deps.ts'
import { type DeviceSelection, parseDeviceIds } from '../devices/ids.ts'
import { asProblemError } from '../errors.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { liveLimits } from './limits.ts'

/** 200 ids of 64 characters and their commas. */
const DevicesText = {
  maxLength: 14_000,
  description: 'device ids, * for fleet events, or both: *,kitchen',
}

export const StreamDevices = Type.Optional(Type.String({ ...DevicesText, default: '*' }))

export const StreamChange = Type.Object({ devices: Type.String(DevicesText) })

/**
 * While the database is away they are taken as they are: nothing comes of a device that does not exist.
 * @throws ProblemError when a device does not exist
 */
export async function selectDevices(deps: Deps, text: string, path?: string): Promise<DeviceSelection> {
  const selection = parseDeviceIds(text, liveLimits.idsPerStreamMax, path)
  if (selection.ids.length === 0) return selection
  const known = await knownOf(deps, selection.ids)
  if (known && known.size < selection.ids.length) throw new ProblemError('device_not_found')
  return selection
}

async function knownOf({ pool, database }: Deps, ids: string[]): Promise<Set<string> | undefined> {
  try {
    return await database.orAway(() => existingDevices(pool, ids))
  } catch (error) {
    if (asProblemError(error).code !== 'database_unavailable') throw error
    return undefined
  }
}

/** One of the places a user has for streams. */
export interface StreamPlace {
  /** Aborted when the session or token behind the stream ends. */
  ended: AbortSignal
  /** Gives the place back; again does nothing. */
  release: () => void
}

/**
 * Takes a place before anything is awaited.
 * @throws ProblemError too_many_streams
 */
export function takeStreamPlace({ sessions, places }: Deps, request: FastifyRequest): StreamPlace {
  const principal = principalOf(request)
  const place = places.take(request.ip, principal.name)
  const controller = new AbortController()
  place.hold(sessions.add(principal, () => controller.abort()))
  return { ended: controller.signal, release: () => place.release() }
}

/** EventSource sends the header by itself; the parameter is for clients that start over with a known id. */
export function lastEventIdOf(request: FastifyRequest, parameter: string | undefined): string | undefined {
  const header = request.headers['last-event-id']
  return (typeof header === 'string' && header) || parameter || undefined
}
