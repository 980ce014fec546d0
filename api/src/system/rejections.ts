import type { Pool } from '@telltale/infra/storage/pool'
import { countRejected, type RejectedCount } from '@telltale/infra/storage/rejected'
import type { RejectedSummary } from '../contract/index.ts'

/** What the broker writes, in a few words for a table; the first that fits. */
const KINDS: readonly [kind: string, says: RegExp][] = [
  ['Time in the future', /is in the future$/],
  ['Older than readings may be', /is older than readings may be$/],
  ['Time not understood', /ts is neither/],
  ['Not JSON', /not JSON:/],
  ['Not UTF-8', /not UTF-8$/],
  ['Nothing in it', /empty payload|an empty array|no values/],
  ['Not a number (NaN)', /not a finite number/],
  ['Too many metrics', /more than \d+ metrics|metrics/],
  ['Too long or too deep', /longer than|nested deeper/],
  ['Characters that no text has', /control character|surrogate|U\+0000/],
  ['Not a value', /is not a value|neither an object|one plain value/],
  ['Status neither online nor offline', /^status is neither/],
  ['Not a reply to a command', /^not a reply/],
  ['Refused by the database', /the database refused/],
]
const OTHER = 'Something else'

export function kindOfReason(reason: string): string {
  return KINDS.find(([, says]) => says.test(reason))?.[0] ?? OTHER
}

/** More would take longer to count than anybody learns from it. */
const SCANNED_MAX = 10_000
/** Everybody who looks meanwhile sees the same. */
const MAX_AGE_MS = 10_000

/** Why messages of the last day were rejected, of all devices; looked up at most every ten seconds. */
export class Rejections {
  readonly #pool: Pool
  #summary: Promise<RejectedSummary> | undefined
  #takenMs = 0

  constructor(pool: Pool) {
    this.#pool = pool
  }

  read(): Promise<RejectedSummary> {
    if (!this.#summary || performance.now() - this.#takenMs > MAX_AGE_MS) {
      this.#takenMs = performance.now()
      this.#summary = countRejected(this.#pool, SCANNED_MAX).then(summarise)
      this.#summary.catch(() => {
        this.#summary = undefined
      })
    }
    return this.#summary
  }
}

/** `rows` come newest first. */
export function summarise(rows: readonly RejectedCount[]): RejectedSummary {
  const byKind = new Map<string, RejectedCount[]>()
  for (const row of rows) {
    const kind = kindOfReason(row.reason)
    const group = byKind.get(kind)
    if (group) group.push(row)
    else byKind.set(kind, [row])
  }
  const total = countAll(rows)
  return {
    total,
    isCapped: total >= SCANNED_MAX,
    kinds: [...byKind]
      .map(([kind, group]) => ({ kind, ...describe(group as [RejectedCount, ...RejectedCount[]]) }))
      .sort((one, other) => other.count - one.count),
  }
}

function describe(group: readonly [RejectedCount, ...RejectedCount[]]) {
  const [newest] = group
  const byDevice = new Map<string, number>()
  for (const { deviceId, count } of group) byDevice.set(deviceId, (byDevice.get(deviceId) ?? 0) + count)
  const [most = newest.deviceId] = [...byDevice].sort(([, one], [, other]) => other - one)[0] ?? []
  const name = group.find(({ deviceId }) => deviceId === most)?.deviceName ?? most
  return {
    count: countAll(group),
    newestAt: newest.newestMs,
    devices: byDevice.size,
    mostlyFrom: { id: most, name },
    example: newest.reason,
  }
}

function countAll(rows: readonly RejectedCount[]): number {
  return rows.reduce((total, { count }) => total + count, 0)
}
