import type {
  CommandBatch,
  CommandBatchCount,
  CommandStatus,
  DeviceFilter,
  DeviceType,
} from '@telltale/api/contract'
import { calledOf } from '../commands/draft.ts'
import { formatCount } from '../ui/format.ts'
import type { LampShape, LampTone } from '../ui/lamp.tsx'

/** Where one device is: its command, or why there is none (yet). */
export type BatchStatus = CommandStatus | 'waiting' | 'refused' | 'stopped'

export type BatchState = {
  status: BatchStatus
  words: string
  shape: LampShape
  tone: LampTone
  /** Something will still happen to it. */
  open: boolean
}

/** In the order of the bar: what is done well, what is under way, what waits, what went wrong, what was left out. */
export const batchStates: readonly BatchState[] = [
  { status: 'succeeded', words: 'Succeeded', shape: 'done', tone: 'ok', open: false },
  { status: 'accepted', words: 'Running', shape: 'busy', tone: 'on', open: true },
  { status: 'delivered', words: 'Delivered', shape: 'online', tone: 'on', open: true },
  { status: 'sent', words: 'Sent', shape: 'silent', tone: 'on', open: true },
  { status: 'queued', words: 'Queued', shape: 'never', tone: 'on', open: true },
  { status: 'waiting', words: 'Waits for its turn', shape: 'never', tone: 'off', open: true },
  { status: 'failed', words: 'Failed', shape: 'fail', tone: 'bad', open: false },
  { status: 'rejected', words: 'Rejected', shape: 'fail', tone: 'bad', open: false },
  { status: 'timed_out', words: 'Timed out', shape: 'fail', tone: 'warn', open: false },
  { status: 'refused', words: 'Refused', shape: 'offline', tone: 'warn', open: false },
  { status: 'expired', words: 'Expired', shape: 'disabled', tone: 'off', open: false },
  { status: 'cancelled', words: 'Cancelled', shape: 'disabled', tone: 'off', open: false },
  { status: 'stopped', words: 'Stopped before its turn', shape: 'disabled', tone: 'off', open: false },
]

const byStatus = new Map(batchStates.map((state) => [state.status, state]))

export function stateOf(status: BatchStatus): BatchState {
  return byStatus.get(status) ?? { status, words: status, shape: 'never', tone: 'off', open: false }
}

export type Segment = BatchState & { count: number }

/** Only states that somebody is in. */
export function segmentsOf({ results }: Pick<CommandBatch, 'results'>): Segment[] {
  return batchStates.flatMap((state) => {
    const count = results[state.status] ?? 0
    return count > 0 ? [{ ...state, count }] : []
  })
}

/** Something can still change: worth looking again. */
export function isOpen(batch: Pick<CommandBatch, 'status' | 'results'>): boolean {
  return batch.status === 'running' || segmentsOf(batch).some(({ open }) => open)
}

function countOf({ results }: Pick<CommandBatch, 'results'>, statuses: readonly BatchStatus[]): number {
  return statuses.reduce((sum, status) => sum + (results[status] ?? 0), 0)
}

/** Where it is over and did not work; who cancelled or stopped it did not want it. */
export const failedStates = ['failed', 'rejected', 'timed_out', 'refused', 'expired'] as const
/** As many as one filter may name. */
export const retryMax = 1_000

export function failedCount(batch: Pick<CommandBatch, 'results'>): number {
  return countOf(batch, failedStates)
}

/** Nothing can be called back: what is sent goes on, what waits does not begin. */
export function stopWords(batch: Pick<CommandBatch, 'results'>): {
  sent: string
  waiting: string
  can: boolean
} {
  const gone = countOf(batch, ['sent', 'delivered', 'accepted'])
  const waits = countOf(batch, ['queued', 'waiting'])
  return {
    can: waits > 0,
    sent:
      gone === 0
        ? 'None is under way.'
        : `${formatCount(gone)} ${gone === 1 ? 'is sent already and goes on' : 'are sent already and go on'}.`,
    waiting: `${formatCount(waits)} ${waits === 1 ? 'waits and is' : 'wait and are'} never sent.`,
  }
}

/** One line about where the whole thing is. */
export function progressWords(batch: CommandBatch): string {
  const ended = countOf(
    batch,
    batchStates.filter(({ open }) => !open).map(({ status }) => status),
  )
  const of = `${formatCount(ended)} of ${formatCount(batch.devices)} done`
  if (batch.status === 'stopped') return isOpen(batch) ? `Stopped, ${of}` : 'Stopped'
  return batch.status === 'running' ? `Being sent, ${of}` : of
}

/** The same with what became of them, for a line in a list. */
export function outcomeWords(batch: CommandBatch): string {
  const states = segmentsOf(batch).map(({ words, count }) => `${formatCount(count)} ${words.toLowerCase()}`)
  return [progressWords(batch), ...states].join(' · ')
}

/** What a command is called, where the types that have it agree. */
export function commandWords(name: string, types: readonly Pick<DeviceType, 'commands'>[]): string {
  const having = types.filter(({ commands }) => Object.hasOwn(commands, name))
  const labels = new Set(having.map(({ commands }) => calledOf(name, commands)))
  const [label = name] = labels
  return labels.size === 1 ? label : name
}

export function devicesWords(count: number): string {
  return count === 1 ? '1 device' : `${formatCount(count)} devices`
}

/** What a person is about to reach. */
export function countWords({ devices, online, disabled }: CommandBatchCount): string {
  if (devices === 0) return 'No device matches.'
  const match = `${devicesWords(devices)} ${devices === 1 ? 'matches' : 'match'}, ${formatCount(online)} connected`
  if (disabled === 0) return `${match}.`
  return `${match}, ${formatCount(disabled)} disabled will be refused.`
}

export function filterWords({ all, ids, q, status, tag, type }: DeviceFilter): string {
  const words = [
    ids &&
      `chosen by id: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ` and ${formatCount(ids.length - 3)} more` : ''}`,
    q && `“${q}” in the id or name`,
    status && `status ${status === 'never' ? 'never seen' : status}`,
    tag && `tag ${tag}`,
    type && `type ${type}`,
  ].filter(Boolean)
  if (words.length > 0) return `Devices with ${words.join(', ')}`.replace('with chosen', 'chosen')
  return all === true ? 'All devices' : 'Devices'
}

/** Beyond this many, a slip of the finger is no small thing. */
const manyDevices = 50

export function needsTyping(devices: number, dangerous: boolean): boolean {
  return dangerous || devices > manyDevices
}
