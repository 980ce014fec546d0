import type { Readiness, SystemNow } from '@telltale/api/contract'
import type { ReactNode } from 'react'
import { formatCount, formatNumber, formatRate, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Spark } from '../ui/spark.tsx'
import type { StorageReport } from './health.ts'
import { commitNow, knownSince, ledgerOf, newestOf, pointsOf, type RatePoint } from './rates.ts'
import { bytesParts, countParts, formatDayAndMinute, formatRatio } from './words.ts'

export type Broker = NonNullable<Readiness['brokers']>[number]

type NumbersProps = {
  brokers: Broker[]
  storage: StorageReport | undefined
  /** Undefined until it has come. */
  system: SystemNow | undefined
  now: number
}

const sparkMs = 30 * 60_000

export function Numbers({ brokers, storage, system, now }: NumbersProps) {
  const sum = (pick: (broker: Broker) => number) => brokers.reduce((total, broker) => total + pick(broker), 0)
  const none = brokers.length === 0
  const [readings, readingsUnit] = countParts(sum((broker) => broker.readingsTotal))
  const rate = system === undefined ? [] : pointsOf(system.history, 'readingsPerSecond')
  const commit = system === undefined ? [] : pointsOf(system.history, 'commitP99Ms')
  const p50 = system === undefined ? null : commitNow(pointsOf(system.history, 'commitP50Ms'), system.brokers)
  const p99 = system === undefined ? null : commitNow(commit, system.brokers)
  const newestRate = newestOf(rate)
  return (
    <section className="kpis system__kpis" aria-label="Now">
      <Kpi
        label="Readings stored now"
        value={none || newestRate === null ? unknown : formatRate(newestRate)}
        unit="/s"
        note={`${formatRate(sum((broker) => broker.messagesPerSecond))} messages a second come in`}
        end={<RateSpark points={rate} now={now} />}
      />
      <Kpi
        label="Commit latency, p99"
        value={p99 === null ? unknown : formatNumber(p99)}
        unit="ms"
        note={p50 === null ? 'from arrival to stored' : `p50 ${formatNumber(p50)} ms`}
        end={<RateSpark points={commit} now={now} />}
      />
      <MissingKpi system={system} />
      <Kpi
        label="Readings stored"
        value={none ? unknown : readings}
        unit={readingsUnit}
        note="since the brokers started"
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

function RateSpark({ points, now }: { points: readonly RatePoint[]; now: number }) {
  const from = now - sparkMs
  return <Spark points={knownSince(points, from)} from={from} to={now} width={64} height={26} />
}

function MissingKpi({ system }: { system: SystemNow | undefined }) {
  const ledger = system === undefined ? undefined : ledgerOf(system.brokers)
  if (ledger === undefined)
    return <Kpi label="Acknowledged but missing" value={unknown} note="not counted yet" />
  const [count, unit] = countParts(ledger.acknowledged)
  return (
    <Kpi
      label="Acknowledged but missing"
      value={formatCount(ledger.missing)}
      note={`of ${count}${unit === undefined ? '' : ` ${unit}`} since start`}
      end={<Lamp shape={ledger.missing > 0 ? 'fail' : 'done'} />}
    />
  )
}

function DatabaseKpi({ storage, now }: { storage: StorageReport | undefined; now: number }) {
  if (storage === undefined) return <Kpi label="Database" value={unknown} note="size not known" />
  const [value, unit] = bytesParts(storage.databaseBytes)
  const { compression, oldestReading } = storage
  const since =
    oldestReading === null ? 'no reading yet' : `readings since ${formatDayAndMinute(oldestReading, now)}`
  const ratio = compression?.ratio ?? null
  const note = ratio === null ? since : `history compressed ${formatRatio(ratio)}×`
  return <Kpi label="Database" value={value} unit={unit} note={note} />
}

type KpiProps = { label: string; value: string; unit?: string | undefined; note: string; end?: ReactNode }

function Kpi({ label, value, unit, note, end }: KpiProps) {
  return (
    <div className="tile">
      <span className="tile__head">{label}</span>
      <span className="tile__row">
        <span className="tile__val">
          {value}
          {unit !== undefined && value !== unknown && <small>{unit}</small>}
        </span>
        {end}
      </span>
      <span className="tile__note">{note}</span>
    </div>
  )
}
