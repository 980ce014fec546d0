import { isDeviceId } from '@telltale/broker/contract'
import { ProblemError } from '../problems.ts'

export interface DeviceSelection {
  /** `*` was among the ids. */
  all: boolean
  ids: string[]
}

/** `a,b`, `*` or `*,a`. What is no device id cannot be a device: 404. */
export function parseDeviceIds(text: string, idsMax: number, path = 'query/devices'): DeviceSelection {
  const parts = new Set(
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  const all = parts.delete('*')
  if (parts.size === 0 && !all) throw wrong(path, 'names no device')
  if (parts.size > idsMax) throw wrong(path, `names more than ${idsMax} devices`)
  const ids = [...parts]
  if (!ids.every(isDeviceId)) throw new ProblemError('device_not_found')
  return { all, ids }
}

/** Where `*` is not understood. */
export function parseNamedIds(text: string, idsMax: number, path = 'query/devices'): string[] {
  const { all, ids } = parseDeviceIds(text, idsMax, path)
  if (all) throw wrong(path, 'must name each device')
  return ids
}

function wrong(path: string, message: string): ProblemError {
  return new ProblemError('invalid_request', { fields: [{ path, message }] })
}
