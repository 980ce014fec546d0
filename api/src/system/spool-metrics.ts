import { Counter, Gauge, type Registry } from 'prom-client'
import type { Spool } from '../contract/index.ts'
import type { FleetTotals } from '../live/totals.ts'

/** In order of what they mean for devices, so that an alert can compare. */
const STATE_NUMBERS: Record<Spool['state'], number> = { empty: 0, replaying: 1, taking: 2, full: 3 }

const GAUGES: readonly [name: string, help: string, read: (spool: Spool) => number][] = [
  [
    'telltale_spool_state',
    '0 empty, 1 replaying, 2 taking (the database does not take what comes), 3 full (publishers are held up)',
    ({ state }) => STATE_NUMBERS[state],
  ],
  [
    'telltale_spool_messages',
    'Messages on the broker’s disk that wait to be stored',
    ({ messages }) => messages,
  ],
  ['telltale_spool_bytes', 'Bytes they take there', ({ bytes }) => bytes],
  ['telltale_spool_bytes_max', 'Bytes they may take there', ({ bytesMax }) => bytesMax],
  [
    'telltale_spool_oldest_age_seconds',
    'Age of the oldest message of the oldest file that is not stored entirely; 0 when none waits',
    ({ oldestAt }) => (oldestAt === null ? 0 : Math.max(0, Date.now() - oldestAt) / 1_000),
  ],
  [
    'telltale_spool_damaged_bytes',
    'Bytes that could not be read any more and were set aside',
    ({ damagedBytes }) => damagedBytes,
  ],
]

const COUNTERS: readonly [name: string, help: string, read: (spool: Spool) => number][] = [
  ['telltale_spooled_total', 'Messages kept on the broker’s disk', ({ spooledTotal }) => spooledTotal],
  [
    'telltale_spool_replayed_total',
    'Messages brought from there into the database',
    ({ replayedTotal }) => replayedTotal,
  ],
]

/** A broker that tells nothing of a spool has no values. */
export function watchSpools(totals: FleetTotals, registry: Registry): void {
  const each = (tell: (broker: string, spool: Spool) => void) => {
    for (const { brokerId, spool } of totals.brokers()) if (spool) tell(brokerId, spool)
  }
  for (const [name, help, read] of GAUGES)
    new Gauge({
      ...{ name, help, labelNames: ['broker'], registers: [registry] },
      collect() {
        this.reset()
        each((broker, spool) => this.set({ broker }, read(spool)))
      },
    })
  for (const [name, help, read] of COUNTERS)
    new Counter({
      ...{ name, help, labelNames: ['broker'], registers: [registry] },
      collect() {
        this.reset()
        each((broker, spool) => this.inc({ broker }, read(spool)))
      },
    })
  new Gauge({
    name: 'telltale_broker_database_up',
    help: '1 while the database takes what the broker stores',
    labelNames: ['broker'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { brokerId: broker, databaseUp } of totals.brokers())
        if (databaseUp !== undefined) this.set({ broker }, Number(databaseUp))
    },
  })
}
