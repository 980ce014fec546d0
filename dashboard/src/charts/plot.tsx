import { memo, useMemo } from 'react'
import { CartesianGrid, ComposedChart, ReferenceArea, ReferenceLine, XAxis, YAxis } from 'recharts'
import type { ValueAxis } from '../telemetry/axis.ts'
import type { Bound } from './bounds.ts'
import { formatAxisValue } from './format-axis.ts'
import { Lines } from './lines.tsx'
import { plotBottomPx, plotRightPx, plotTopPx } from './plot-area.ts'

const noRows: never[] = []
const wholeTime: [number, number] = [0, 1]
const margin = { top: plotTopPx, right: plotRightPx, bottom: plotBottomPx, left: 0 }
/** Of the layers of Recharts: above its grid, below everything that has none of its own. */
const behindLines = -50
/** The share of the axis below its upper end where words above a line would be cut off: they stand below it. */
const nearTop = 0.1

type PlotProps = {
  width: number
  height: number
  leftPx: number
  axis: ValueAxis
  bounds: readonly Bound[]
}

/**
 * What stands still: the value axis, its grid and the thresholds. Recharts renders it anew when the axis changes, not
 * when time goes on: the lines in it take from their context what is new.
 */
export const Plot = memo(function Plot({ width, height, leftPx, axis, bounds }: PlotProps) {
  const domain = useMemo<[number, number]>(() => [axis.low, axis.high], [axis])
  return (
    <ComposedChart {...{ width, height, margin }} data={noRows} accessibilityLayer={false}>
      <CartesianGrid vertical={false} stroke="var(--grid)" />
      <XAxis hide allowDataOverflow dataKey="t" type="number" domain={wholeTime} />
      <YAxis
        allowDataOverflow
        type="number"
        interval={0}
        tickLine={false}
        axisLine={false}
        tickMargin={8}
        domain={domain}
        ticks={axis.ticks}
        tickFormatter={(value: number) => formatAxisValue(value, axis)}
        width={leftPx}
      />
      {bounds.map(({ level, beyond, words }) => (
        <ReferenceArea
          key={`${words} tint`}
          y1={beyond.low}
          y2={beyond.high}
          fill={level === 'alarm' ? 'var(--bad-fill)' : 'var(--warn-fill)'}
          fillOpacity={0.05}
          zIndex={behindLines}
        />
      ))}
      {bounds.map(({ at, level, words }) => (
        <ReferenceLine
          key={words}
          y={at}
          stroke={level === 'alarm' ? 'var(--bad-fill)' : 'var(--warn-fill)'}
          strokeDasharray="4 4"
          zIndex={behindLines}
          label={{
            value: words,
            position:
              at > axis.high - (axis.high - axis.low) * nearTop ? 'insideTopLeft' : 'insideBottomLeft',
            className: `boundlabel is-${level}`,
            offset: 5,
          }}
        />
      ))}
      <Lines />
    </ComposedChart>
  )
})
