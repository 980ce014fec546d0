import './time-bar.css'
import { ChartLine, Download, Pause, Table2, Undo2 } from 'lucide-react'
import type { MouseEvent, ReactNode } from 'react'
import { formatCount } from '../ui/format.ts'
import type { ChartSeries } from './chart.tsx'
import { csvAddress } from './csv-address.ts'
import { RangePicker } from './range-picker.tsx'
import { presets } from './range-words.ts'
import { useTableView } from './table-view.ts'
import { useFrame, useTimeFrame } from './time-frame.tsx'
import type { TimeRange } from './time-range.ts'

/** Over which time the charts below are, for all of them at once. */
export function TimeBar({ series, actions }: { series: readonly ChartSeries[]; actions?: ReactNode }) {
  const { canGoBack, back, paused } = useTimeFrame()
  return (
    <div className={paused ? 'timebar is-paused' : 'timebar'}>
      <Presets />
      <RangePicker />
      <button
        type="button"
        className="btn btn--icon"
        aria-label="Back to the range before"
        disabled={!canGoBack}
        onClick={back}
      >
        <Undo2 className="i" aria-hidden="true" />
      </button>
      <PausedBadge />
      <div className="timebar__end">
        {actions}
        <TableSwitch />
        <CsvLink series={series} />
      </div>
    </div>
  )
}

function Presets() {
  const { range, setRange } = useTimeFrame()
  return (
    <fieldset className="seg timebar__presets">
      <legend className="vh">Live window</legend>
      {presets.map(({ windowMs, short }) => {
        const isShown = range.kind === 'live' && range.windowMs === windowMs
        return (
          <button
            key={windowMs}
            type="button"
            className={isShown ? 'is-active' : ''}
            aria-pressed={isShown}
            onClick={() => setRange({ kind: 'live', windowMs })}
          >
            {short}
          </button>
        )
      })}
    </fieldset>
  )
}

/** Announced once, apart from the badge: a count that runs would be read out without end. */
function PausedBadge() {
  const { paused, arrived, resume } = useTimeFrame()
  return (
    <>
      <span role="status" className="vh">
        {paused && 'The charts hold still'}
      </span>
      {paused && (
        <span className="paused">
          <Pause className="i" aria-hidden="true" />
          <span className="paused__word">Paused</span>
          <span className="paused__new">{formatCount(arrived)} new</span>
          <button type="button" onClick={resume}>
            Resume
          </button>
        </span>
      )}
    </>
  )
}

function TableSwitch() {
  const { isTable, showTable } = useTableView()
  const Icon = isTable ? ChartLine : Table2
  return (
    <button
      type="button"
      className="btn btn--quiet btn--icon"
      aria-label="Show as a table"
      aria-pressed={isTable}
      title={isTable ? 'Show as charts' : 'Show as a table'}
      onClick={() => showTable(!isTable)}
    >
      <Icon className="i" aria-hidden="true" />
    </button>
  )
}

/** A link, so that the browser streams the file to disk, however long it is. */
function CsvLink({ series }: { series: readonly ChartSeries[] }) {
  const { frame, range } = useFrame()
  const label = 'Download every reading of this range as CSV'
  if (series.length === 0) {
    return (
      <button type="button" className="btn btn--quiet btn--icon" aria-label={label} disabled>
        <Download className="i" aria-hidden="true" />
      </button>
    )
  }
  // Charts that hold still show another stretch than "the last 15 minutes".
  const holdOn = (event: MouseEvent<HTMLAnchorElement>) => {
    const { from, to, pictures } = frame.getShown()
    const shown: TimeRange = frame.getHold().paused ? { kind: 'fixed', from, to } : range
    event.currentTarget.href = csvAddress(series, shown, pictures)
  }
  return (
    <a
      className="btn btn--quiet btn--icon"
      aria-label={label}
      title={label}
      href={csvAddress(series, range, frame.getShown().pictures)}
      download
      onClick={holdOn}
    >
      <Download className="i" aria-hidden="true" />
    </a>
  )
}
