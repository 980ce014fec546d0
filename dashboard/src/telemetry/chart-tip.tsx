import { formatClock, formatMoment, formatNumber } from '../ui/format.ts'
import type { Row } from './rows.ts'

type ChartTipProps = {
  title: string
  unit: string
  active?: boolean
  payload?: readonly { payload?: unknown }[]
}

/** Recharts passes `active` and `payload` to whatever element stands in `content`. */
export function ChartTip({ title, unit, active, payload }: ChartTipProps) {
  const row = payload?.[0]?.payload as Row | undefined
  if (active !== true || row === undefined) return null
  const bucketed = row.endT > row.t
  return (
    <div className="tip">
      <div className="tip__head">
        {formatMoment(row.t, Date.now())}
        {bucketed && ` to ${formatClock(row.endT)}`}
      </div>
      <div className="tip__row">
        <i className="key s1" />
        {title}
        <b>{row.avg === null ? 'no data' : `${formatNumber(row.avg)} ${unit}`}</b>
      </div>
      {bucketed && row.range !== null && (
        <div className="tip__row tip__row--sub">
          min–max
          <b>
            {formatNumber(row.range[0])} to {formatNumber(row.range[1])}
          </b>
        </div>
      )}
    </div>
  )
}
