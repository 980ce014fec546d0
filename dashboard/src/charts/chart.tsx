import './charts.css'
import './plot.css'
import { memo, type ReactNode } from 'react'
import { usePictureIsOld } from '../use-live.ts'
import { ChartBody } from './chart-body.tsx'
import { SeriesTable } from './series-table.tsx'
import { useTableView } from './table-view.ts'
import { useSeen } from './use-seen.ts'

/** A metric of a device; without a label it is named as its type says. */
export type ChartSeries = { deviceId: string; metric: string; label?: string }

export type ChartProps = {
  title: string
  /** Numbers: up to eight lines, the colours in this order. */
  series: readonly ChartSeries[]
  heightPx?: number
  actions?: ReactNode
}

const usualHeightPx = 204
const linesMax = 8

/** Lines over time. One that was never on the screen is an empty box; one that no longer is stands still. */
export const Chart = memo(function Chart(props: ChartProps) {
  const { isTable } = useTableView()
  return isTable ? <SeriesTable {...props} /> : <Drawn {...props} />
}, isSame)

/** Pages make their lists of series anew with each reading of a device; the same names are the same lines. */
function isSame(before: ChartProps, after: ChartProps): boolean {
  const { series: linesBefore, ...othersBefore } = before
  const { series: linesAfter, ...othersAfter } = after
  const isEqual = JSON.stringify(linesBefore) === JSON.stringify(linesAfter)
  return (
    isEqual &&
    Object.entries({ ...othersBefore, ...othersAfter }).every(([name, value]) => {
      return Object.is(value, before[name as keyof ChartProps])
    })
  )
}

function looksOf(series: readonly ChartSeries[], isOld: boolean): string {
  return `panel chart${series.length === 1 ? ' chart--single' : ''}${isOld ? ' is-old' : ''}`
}

function Drawn({ title, series, heightPx = usualHeightPx, actions }: ChartProps) {
  const { ref, element, isSeen, wasSeen } = useSeen()
  const isOld = usePictureIsOld()
  return (
    <section ref={ref} className={looksOf(series, isOld)} aria-label={title}>
      {wasSeen ? (
        <ChartBody
          {...{ title, heightPx, actions, isSeen }}
          series={series.slice(0, linesMax)}
          beyond={series.length - linesMax}
          section={element}
        />
      ) : (
        <>
          <div className="chart__head">
            <h2 className="chart__title" title={title}>
              {title}
            </h2>
          </div>
          <div style={{ height: heightPx }} />
        </>
      )}
    </section>
  )
}
