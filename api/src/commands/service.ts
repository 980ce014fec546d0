import { type CommandRecord, insertCommand } from '@telltale/infra/storage/commands'
import { getDevice } from '@telltale/infra/storage/devices'
import type { Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'

const TTL_DEFAULT_MS = 30_000
const PARAMS_DEPTH_MAX = 32

export interface CommandRequest {
  id: string
  deviceId: string
  name: string
  params?: unknown
  ttlMs?: number | undefined
  createdBy: string
  idempotencyKey?: string | undefined
}

/**
 * Queues a command and tells the broker: the one way in, behind REST and WebSocket. The row is the truth; the nudge
 * may get lost, then the broker's sweep finds the row.
 * @throws ProblemError when the device cannot take it, or the key was used for something else
 */
export async function sendCommand(
  { pool, link, hub }: Pick<Deps, 'pool' | 'link' | 'hub'>,
  request: CommandRequest,
): Promise<{ command: CommandRecord; isNew: boolean }> {
  if (depthExceeds(request.params, PARAMS_DEPTH_MAX)) throw new ProblemError('too_deep')
  const device = await getDevice(pool, request.deviceId)
  if (!device) throw new ProblemError('device_not_found')
  if (device.disabledAt) throw new ProblemError('device_disabled')
  const { id, deviceId, name, params = {}, ttlMs = TTL_DEFAULT_MS, createdBy, idempotencyKey } = request
  const row = { id, deviceId, name, params, ttlMs, createdBy, ...(idempotencyKey && { idempotencyKey }) }
  const { outcome, command } = await insertCommand(pool, row)
  switch (outcome) {
    case 'no_device':
      throw new ProblemError('device_not_found')
    case 'conflict':
      throw new ProblemError('idempotency_conflict')
    case 'queue_full':
      throw new ProblemError('queue_full', { retryAfterS: 1 })
    case 'created':
      hub.publishCommand(command as CommandRecord)
      link.nudge(deviceId)
      return { command: command as CommandRecord, isNew: true }
    case 'repeated':
      return { command: command as CommandRecord, isNew: false }
  }
}

/** Without recursion: what is checked here must not overflow the stack it protects. */
function depthExceeds(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}
