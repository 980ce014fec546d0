import type { Device, FleetDays, FleetSparklines, Latest } from '@telltale/api/contract'
import { memo } from 'react'
import { formatUptime } from '../presence/day.ts'
import type { MetricLook } from '../types/look.ts'
import { formatLook, troubleOf } from '../types/look.ts'
import { unknown } from '../ui/format.ts'
import { sparkShape } from '../ui/sparkline.ts'
import { dayBars, dayBox } from './day-bars.ts'

export type Line = FleetSparklines['items'][number] & Pick<FleetSparklines, 'from' | 'stepMs'>
export type Day = FleetDays['items'][number] & Pick<FleetDays, 'from' | 'to'>

const valuesShown = 3

type ShownValue = { metric: string; value: Latest['values'][string]['value']; look: MetricLook }

export const Values = memo(function Values({ values }: { values: readonly ShownValue[] | undefined }) {
  return (
    <div className="vals">
      {values?.slice(0, valuesShown).map(({ metric, value, look }) => (
        <div className="val" key={metric}>
          <div className={troubleOf(value, look)?.level === 'alarm' ? 'val__n cut ink-bad' : 'val__n cut'}>
            {formatLook(value, look)}
            {look.unit !== '' && <small>{look.unit}</small>}
          </div>
          <span className="label cut">{look.label}</span>
        </div>
      ))}
      {values?.length === 0 && <span className="ink-3">{unknown}</span>}
    </div>
  )
})

const sparkBox = { width: 112, height: 28 }

/** Decoration: the values beside it are the information. Red only beyond an alarm threshold. */
export const RowSpark = memo(function RowSpark({
  line,
  isAlarm,
}: {
  line: Line | undefined
  isAlarm: boolean
}) {
  if (line === undefined) return <span className="rowspark" />
  const { from, stepMs, values } = line
  const points = values.flatMap((value, step) => (value === null ? [] : [{ t: from + step * stepMs, value }]))
  const shape = sparkShape(points, { ...sparkBox, from, to: from + (values.length - 1) * stepMs })
  const { width, height } = sparkBox
  return (
    <svg
      className={isAlarm ? 'rowspark spark spark--bad' : 'rowspark spark'}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {shape === null ? (
        <path className="spark__none" d={`M2 ${height - 3}H${width - 3}`} />
      ) : (
        <>
          {shape.end.x < width - 8 && (
            <path className="spark__none" d={`M${shape.end.x} ${height - 3}H${width - 3}`} />
          )}
          <path className="spark__fill" d={shape.fill} />
          <path d={shape.line} />
          <path className="spark__end" d={`M${shape.end.x} ${shape.end.y}h0`} />
        </>
      )}
    </svg>
  )
})

type RowDayProps = { day: Day | undefined; presence: Device['presence'] | undefined }

export const RowDay = memo(function RowDay({ day, presence }: RowDayProps) {
  if (day === undefined) return <div className="pres" />
  const { width, height } = dayBox
  const isSilent = presence?.status === 'silent'
  const bars = dayBars(day, isSilent ? (presence?.seenAt ?? null) : null)
  const uptime = day.uptimePercent === null ? null : formatUptime(day.uptimePercent)
  const words = uptime === null ? 'Last 24 hours: nothing known yet' : `Last 24 hours: ${uptime} % connected`
  return (
    <div className="pres">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <title>{words}</title>
        <path className="p-none" d={bars.none} />
        <path className="p-ok" d={bars.ok} />
        <path className="p-warn" d={bars.warn} />
        <path className="p-bad" d={bars.bad} />
      </svg>
      <span className="pres__pct">
        {uptime === null ? unknown : uptime} {uptime !== null && <small>%</small>}
      </span>
    </div>
  )
})
