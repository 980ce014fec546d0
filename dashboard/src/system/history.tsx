import type { SystemNow } from '@telltale/api/contract'
import { useState } from 'react'
import { RatePlot } from './rate-plot.tsx'
import { pointsOf } from './rates.ts'

const minute = 60_000
const spans = [
  { label: '5 min', ms: 5 * minute },
  { label: '30 min', ms: 30 * minute },
]

/** What came in lately, and how long it took to be stored. */
export function History({ history, now }: { history: SystemNow['history']; now: number }) {
  const [spanMs, setSpan] = useState(30 * minute)
  const shared = { from: now - spanMs, to: now }
  const p50 = { label: 'p50', points: pointsOf(history, 'commitP50Ms') }
  const p99 = { label: 'p99', points: pointsOf(history, 'commitP99Ms') }
  return (
    <section className="lately" aria-label="Lately">
      <div className="lately__bar">
        <span className="ink-3">As this API has seen it: since it started, half an hour at most</span>
        <fieldset className="seg seg--sm">
          <legend className="vh">Time shown</legend>
          {spans.map(({ label, ms }) => (
            <button
              key={label}
              type="button"
              className={ms === spanMs ? 'is-active' : ''}
              aria-pressed={ms === spanMs}
              onClick={() => setSpan(ms)}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      <div className="grid2">
        <RatePlot
          {...shared}
          isFilled
          title="Messages stored"
          unit="a second"
          lines={[{ label: 'messages', points: pointsOf(history, 'messagesPerSecond') }]}
        />
        <RatePlot {...shared} title="Commit latency" unit="ms" lines={[p50, p99]} />
      </div>
    </section>
  )
}
