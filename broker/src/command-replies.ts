import { isUtf8 } from 'node:buffer'
import { exceedsBounds } from '@telltale/infra/json-bounds'
import { limits } from '@telltale/infra/limits'
import type { TransitionName } from '@telltale/infra/storage/command-transitions'
import { type ReplyPayload, type ReplyStatus, replyStatuses } from './contract/index.ts'

/** @returns undefined when the payload is not a reply */
export function decodeReply(payload: Buffer): ReplyPayload | undefined {
  try {
    if (!isUtf8(payload)) return undefined
    const parsed = JSON.parse(payload.toString('utf8')) as Partial<ReplyPayload> | null
    if (typeof parsed !== 'object' || parsed === null) return undefined
    if (!replyStatuses.includes(parsed.status as ReplyStatus)) return undefined
    if (parsed.error !== undefined && typeof parsed.error !== 'string') return undefined
    // First: what follows it recurses.
    if (exceedsBounds(parsed, { levelsMax: limits.commands.replyLevelsMax })) return undefined
    if (!isStorable(parsed)) return undefined
    return parsed as ReplyPayload
  } catch {
    return undefined
  }
}

/** PostgreSQL's jsonb and text cannot hold U+0000, nor half a surrogate pair. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorable(inner))
}

/** What a reply does to the row. */
export function replyTransition({ status, result, error }: ReplyPayload): {
  to: TransitionName
  detail?: unknown
} {
  switch (status) {
    case 'accepted':
      return { to: 'accepted' }
    case 'progress':
      return { to: 'progress', detail: result ?? null }
    case 'succeeded':
      return { to: 'succeeded', detail: result ?? null }
    case 'failed':
    case 'rejected':
      return { to: status, detail: { result: result ?? null, error: error ?? null } }
  }
}
