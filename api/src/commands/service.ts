import { cancelCommand } from '@telltale/infra/storage/command-transitions'
import {
  type CommandRecord,
  getCommand,
  insertCommand,
  type NewCommand,
} from '@telltale/infra/storage/commands'
import type { Queryable } from '@telltale/infra/storage/pool'
import type { Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'
import { checkDepth, withParamsChecked } from '../types/check-params.ts'

export const TTL_DEFAULT_MS = 30_000

export interface CommandRequest {
  id: string
  deviceId: string
  name: string
  params?: unknown
  ttlMs?: number | undefined
  createdBy: string
  /** Of a request. A frame needs none: its id, which is the command's, does the same. */
  idempotencyKey?: string | undefined
}

type CommandDeps = Pick<Deps, 'pool' | 'link' | 'hub'>

/**
 * Queues a command and tells the broker: the one way in, behind REST and WebSocket. The row is the truth; the nudge
 * may get lost, then the broker's sweep finds the row. The same id or key again gets the first answer, whatever has
 * become of the device since.
 * @param holdReason sees in the command's own transaction that it is still wanted, or throws
 * @throws ProblemError when the device cannot take it, or the key was used for something else
 */
export async function sendCommand(
  deps: CommandDeps,
  request: CommandRequest,
  holdReason: (db: Queryable) => Promise<void> = async () => {},
): Promise<{ command: CommandRecord; isNew: boolean }> {
  checkDepth(request.params)
  const row = rowOf(request)
  const { outcome, command } = await withParamsChecked(row, (checkParams) =>
    insertCommand(deps.pool, row, async (device, db) => {
      if (device.isDisabled) throw new ProblemError('device_disabled')
      await checkParams(device, db)
      await holdReason(db)
    }),
  )
  switch (outcome) {
    case 'no_device':
      throw new ProblemError('device_not_found')
    case 'conflict':
      throw new ProblemError('idempotency_conflict')
    case 'queue_full':
      throw new ProblemError('queue_full', { retryAfterS: 1 })
    case 'created':
      deps.link.nudge(row.deviceId)
      tell(deps, command as CommandRecord)
      return { command: command as CommandRecord, isNew: true }
    case 'repeated':
      return { command: command as CommandRecord, isNew: false }
  }
}

/**
 * Cancels a command that was not sent yet.
 * @throws ProblemError when there is none, or it is queued no longer
 */
export async function withdrawCommand(deps: CommandDeps, id: string): Promise<CommandRecord> {
  const cancelled = await cancelCommand(deps.pool, id)
  if (!cancelled) {
    const exists = await getCommand(deps.pool, id)
    throw new ProblemError(exists ? 'command_not_queued' : 'command_not_found')
  }
  tell(deps, cancelled)
  return cancelled
}

function rowOf(request: CommandRequest): NewCommand {
  const { id, deviceId, name, params = {}, ttlMs = TTL_DEFAULT_MS, createdBy, idempotencyKey } = request
  return { id, deviceId, name, params, ttlMs, createdBy, ...(idempotencyKey && { idempotencyKey }) }
}

/** Those who listen here at once, those who listen to another API through the broker. */
function tell({ hub, link }: CommandDeps, command: CommandRecord): void {
  hub.publishCommand(command)
  link.tell(command.id)
}
