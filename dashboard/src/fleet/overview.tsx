import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { formatCount, formatRate, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Spark } from '../ui/spark.tsx'
import { Failure } from '../ui/states.tsx'
import { useLiveEvents, useNow } from '../use-live.ts'
import { LampPanel } from './lamp-panel.tsx'
import { Newest } from './newest.tsx'
import { useFleetSummary } from './summary.ts'

const totalsKept = 180
/** Fewer are no line yet. */
const totalsMin = 5
const totalsEveryMs = 1_000
/** Devices that speak every few seconds make a second of many and a second of few. */
const meanOfTotals = 5
const totalsFreshMs = 5_000

const counts = [
  { status: 'online', label: 'Online' },
  { status: 'silent', label: 'Silent' },
  { status: 'offline', label: 'Offline' },
  { status: 'never', label: 'Never seen' },
] as const

export function Overview() {
  const summary = useFleetSummary()
  return (
    <section className="panel overview" aria-label="The whole fleet">
      {summary.isError && summary.data === undefined ? (
        <Failure
          what="Could not count the fleet"
          error={summary.error}
          onRetry={() => void summary.refetch()}
        />
      ) : (
        <div className="overview__top">
          <div className="stats">
            <Link className="stat stat--total" to="/" search={{}}>
              <span className="stat__label">Devices</span>
              <span className="stat__num">{count(summary.data?.total)}</span>
            </Link>
            {counts.map(({ status, label }) => (
              <Link key={status} className="stat" to="/" search={{ status }}>
                <span className="stat__label">
                  {/* Nothing is lit without a reason. */}
                  <Lamp shape={status} {...(summary.data?.[status] === 0 && { tone: 'off' })} />
                  {label}
                </span>
                <span className="stat__num">{count(summary.data?.[status])}</span>
              </Link>
            ))}
          </div>
          <Rate />
          <Newest />
        </div>
      )}
      <LampPanel />
    </section>
  )
}

function meanOf(totals: readonly { value: number }[]): number {
  return totals.reduce((sum, { value }) => sum + value, 0) / Math.max(1, totals.length)
}

function count(value: number | undefined): string {
  return value === undefined ? unknown : formatCount(value)
}

function Rate() {
  const now = useNow()
  const [totals, setTotals] = useState<{ t: number; value: number }[]>([])
  useLiveEvents((event) => {
    if (event.type !== 'totals') return
    const { time, messagesPerSecond } = event.data
    setTotals((old) => [...old, { t: time, value: messagesPerSecond }].slice(-totalsKept))
  })
  const last = totals.at(-1)
  const to = last?.t ?? 0
  // They come once a second, and not at all while the line is away or polls: an old rate is no rate.
  const newest = last !== undefined && now - last.t < totalsFreshMs ? last : undefined
  return (
    <Link className="stat stat--rate" to="/system">
      <span className="stat__rate">
        <span className="stat__label">Messages a second</span>
        <span className="stat__num">
          {newest === undefined ? unknown : formatRate(meanOf(totals.slice(-meanOfTotals)))}
        </span>
      </span>
      {/* It grows from the right: what came before the page is not known. */}
      <Spark
        accent
        points={totals.length < totalsMin ? [] : totals}
        from={to - totalsKept * totalsEveryMs}
        to={to}
        low={0}
        width={150}
        height={36}
      />
    </Link>
  )
}
