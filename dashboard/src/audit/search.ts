/** Filters of the audit log, as they stand in the address. */
export type AuditSearch = {
  actor?: string
  action?: string
  target?: string
  result?: 'failed'
  /** How far back, such as `24h`. */
  since?: Since
}

export type Since = '1h' | '24h' | '7d' | '30d'

const spans = new Set<unknown>(['1h', '24h', '7d', '30d'] satisfies Since[])

export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const text = (name: string) => {
    const value = search[name]
    // A name of digits comes out of the address as a number.
    const words = typeof value === 'number' ? String(value) : value
    return typeof words === 'string' && words !== '' ? { [name]: words.slice(0, 256) } : {}
  }
  return {
    ...text('actor'),
    ...text('action'),
    ...text('target'),
    ...(search.result === 'failed' && { result: 'failed' as const }),
    ...(spans.has(search.since) && { since: search.since as Since }),
  }
}
