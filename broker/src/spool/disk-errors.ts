import type { SpoolState } from '../contract/index.ts'

type RefusalReason = NonNullable<SpoolState['refusal']>

export class SpoolRefusal extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export function refusalOf(error: unknown): SpoolRefusal {
  if (error instanceof SpoolRefusal) return error
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'failed'
  return new SpoolRefusal(reason, `writing to the spool failed: ${message}`, { cause: error })
}

/** The process or the machine has too little of something; that says nothing about the file. */
const SHORTAGES = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'Z_MEM_ERROR',
  'ERR_MEMORY_ALLOCATION_FAILED',
])

export function isShortage(error: unknown): boolean {
  return SHORTAGES.has((error as NodeJS.ErrnoException).code ?? '')
}
