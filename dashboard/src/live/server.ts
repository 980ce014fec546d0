import type { LiveEvent, PollAnswer } from '@telltale/api/contract'
import { ApiError, get, send } from '../api.ts'

/** The part of EventSource used here. */
export type Stream = Pick<EventSource, 'close' | 'addEventListener'>

/** An event with its id; ids are compared, never read. */
export type Numbered = { id: string; event: LiveEvent }

export type PollQuery = { devices: readonly string[]; cursor: string; waitS: number }

export type PollOutcome =
  | { kind: 'answer'; events: Numbered[]; cursor: string; serverTime: number | null }
  | { kind: 'signed-out' }
  | { kind: 'too-many'; retryAfterMs: number | null }
  | { kind: 'unknown-device' }
  /** No answer, or one that is not ours. */
  | { kind: 'unreachable' }

/** The far end as the live part needs it; a test stands in for it. */
export interface Server {
  openStream: (url: string) => Stream
  poll: (query: PollQuery, signal: AbortSignal) => Promise<PollOutcome>
  /** Resolves when the stream has these devices: nothing of them is missed from then on. */
  changeStream: (stream: string, devices: readonly string[]) => Promise<ChangeOutcome>
  /** Those of `devices` that do not exist. */
  missingDevices: (devices: readonly string[]) => Promise<string[]>
}

/** `failed`: the stream is not where the request went, or the request got nowhere. */
export type ChangeOutcome = 'changed' | 'unknown-device' | 'failed'

export function browserServer(): Server {
  return { openStream: (url) => new EventSource(url), poll, changeStream, missingDevices }
}

async function poll({ devices, cursor, waitS }: PollQuery, signal: AbortSignal): Promise<PollOutcome> {
  const query = new URLSearchParams({ devices: devices.join(','), wait: String(waitS) })
  if (cursor !== '') query.set('cursor', cursor)
  try {
    const response = await fetch(`/api/v1/events/poll?${query}`, { credentials: 'same-origin', signal })
    return await readAnswer(response)
  } catch {
    return { kind: 'unreachable' }
  }
}

async function readAnswer(response: Response): Promise<PollOutcome> {
  if (response.status === 401) return { kind: 'signed-out' }
  if (response.status === 429) {
    const seconds = Number(response.headers.get('retry-after'))
    return { kind: 'too-many', retryAfterMs: seconds > 0 ? seconds * 1_000 : null }
  }
  if (response.status === 404) {
    const problem = (await response.json()) as { code?: string }
    return { kind: problem.code === 'device_not_found' ? 'unknown-device' : 'unreachable' }
  }
  if (!response.ok) return { kind: 'unreachable' }
  const { events, cursor } = (await response.json()) as PollAnswer
  const date = Date.parse(response.headers.get('date') ?? '')
  return {
    kind: 'answer',
    events: events.map(({ id, type, data }) => ({ id, event: { type, data } as LiveEvent })),
    cursor,
    serverTime: Number.isNaN(date) ? null : date,
  }
}

async function changeStream(stream: string, devices: readonly string[]): Promise<ChangeOutcome> {
  try {
    await send('PUT', `/events/${encodeURIComponent(stream)}`, { devices: devices.join(',') })
    return 'changed'
  } catch (error) {
    return hasCode(error, 'device_not_found') ? 'unknown-device' : 'failed'
  }
}

/** One after the other: it is rare, and nobody waits for it. */
async function missingDevices(devices: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (const id of devices) {
    const error = await get(`/devices/${id}`).then(
      () => null,
      (reason: unknown) => reason,
    )
    if (hasCode(error, 'device_not_found')) missing.push(id)
  }
  return missing
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.problem.code === code
}
