import type { Readiness } from '@telltale/api/contract'
import { formatCount, formatNumber, formatRate, unknown } from '../ui/format.ts'
import type { StorageReport } from './health.ts'
import { bytesParts, countParts, formatDayAndMinute, formatRatio } from './words.ts'

export type Broker = NonNullable<Readiness['brokers']>[number]

type NumbersProps = { brokers: Broker[]; storage: StorageReport | undefined; now: number }

export function Numbers({ brokers, storage, now }: NumbersProps) {
  const sum = (pick: (broker: Broker) => number) => brokers.reduce((total, broker) => total + pick(broker), 0)
  const latencies = brokers.flatMap((broker) => broker.commitP99Ms ?? [])
  const none = brokers.length === 0
  const [readings, readingsUnit] = countParts(sum((broker) => broker.readingsTotal))
  return (
    <section className="kpis system__kpis" aria-label="Now">
      <Kpi
        label="Messages in"
        value={none ? unknown : formatRate(sum((broker) => broker.messagesPerSecond))}
        unit="/s"
        note={`${formatCount(sum((broker) => broker.connections))} connections`}
      />
      <Kpi
        label="Commit latency, p99"
        value={latencies.length === 0 ? unknown : formatNumber(Math.max(...latencies))}
        unit="ms"
        note="from arrival to stored"
      />
      <Kpi
        label="Readings stored"
        value={none ? unknown : readings}
        unit={readingsUnit}
        note="since the brokers started"
      />
      <Kpi
        label="Rejected"
        value={none ? unknown : formatCount(sum((broker) => broker.rejectedTotal))}
        note="kept, with the reason"
      />
      <Kpi
        label="Waiting to commit"
        value={none ? unknown : formatCount(sum((broker) => broker.pendingRows))}
        note={`${formatCount(sum((broker) => broker.conflictsTotal))} conflicts, first value kept`}
      />
      <DatabaseKpi storage={storage} now={now} />
    </section>
  )
}

function DatabaseKpi({ storage, now }: { storage: StorageReport | undefined; now: number }) {
  if (storage === undefined) return <Kpi label="Database" value={unknown} note="size not known" />
  const [value, unit] = bytesParts(storage.databaseBytes)
  const { compression, oldestReading } = storage
  const since = oldestReading === null ? 'no reading yet' : `since ${formatDayAndMinute(oldestReading, now)}`
  const ratio = compression?.ratio ?? null
  const note = ratio === null ? since : `history compressed ${formatRatio(ratio)}×`
  return <Kpi label="Database" value={value} unit={unit} note={note} />
}

type KpiProps = { label: string; value: string; unit?: string | undefined; note: string }

function Kpi({ label, value, unit, note }: KpiProps) {
  return (
    <div className="tile">
      <span className="tile__head">{label}</span>
      <span className="tile__val">
        {value}
        {unit !== undefined && value !== unknown && <small>{unit}</small>}
      </span>
      <span className="tile__note">{note}</span>
    </div>
  )
}
