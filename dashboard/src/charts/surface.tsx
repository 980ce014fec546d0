import { useId, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { formatLook } from '../types/look.ts'
import { formatDuration, formatMoment } from '../ui/format.ts'
import type { Drawing } from './draw.ts'
import type { SeriesLook } from './looks.ts'
import type { Stretch } from './plot-area.ts'
import { usePlot } from './plot-context.ts'
import { ReadOut } from './read-out.tsx'
import { useFrame } from './time-frame.tsx'
import { type Drag, useHands } from './use-hands.ts'
import { useKeys } from './use-keys.ts'

const describeEveryMs = 10_000

type SurfaceProps = { title: string; looks: readonly SeriesLook[]; dock: HTMLElement | null }

/** Where a mouse, a finger or the keyboard meets a chart. */
export function Surface({ title, looks, dock }: SurfaceProps) {
  const { drawing } = usePlot()
  const [selection, setSelection] = useState<Stretch | null>(null)
  const [pointedBy, setPointedBy] = useState<'hand' | 'keys' | null>(null)
  const newest = useRef(drawing)
  newest.current = drawing
  const drag = useRef<Drag | null>(null)
  const common = { drawing: newest, drag, selection, setSelection }
  const hands = useHands({ ...common, onPoint: setPointedBy })
  const keys = useKeys({ ...common, onPoint: () => setPointedBy('keys') })
  const described = useId()
  const description = useDescription(drawing, looks)
  const { area } = drawing
  return (
    <>
      <ReadOut looks={looks} isPointed={pointedBy !== null} selection={selection} dock={dock} />
      <div
        className="chart__surface"
        style={{ left: area.left, width: area.width }}
        role="application"
        aria-roledescription="chart"
        aria-label={`${title} over time`}
        aria-describedby={described}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move its crosshair
        tabIndex={0}
        {...hands}
        onKeyDown={keys}
        onBlur={() => {
          setSelection(null)
          setPointedBy(null)
        }}
      />
      <span className="vh" id={described}>
        {description}
      </span>
      {pointedBy === 'keys' && <Spoken looks={looks} drawing={drawing} />}
    </>
  )
}

/** Says what is under a crosshair the keyboard moves. */
function Spoken({ looks, drawing }: { looks: readonly SeriesLook[]; drawing: Drawing }) {
  const { frame } = useFrame()
  const t = useSyncExternalStore(frame.crosshair.subscribe, frame.crosshair.get)
  return (
    <span className="vh" role="status">
      {t !== null && spoken(t, { looks, drawing })}
    </span>
  )
}

function spoken(t: number, { looks, drawing }: { looks: readonly SeriesLook[]; drawing: Drawing }): string {
  const values = looks.flatMap(({ label, look }, index) => {
    const row = drawing.lines[index]?.rows.find((one) => one.t === t)
    return row?.avg == null ? [] : [`${label} ${formatLook(row.avg, look)} ${look.unit}`.trim()]
  })
  return `${formatMoment(t, Date.now())}: ${values.join(', ') || 'no data'}`
}

/** Not with every reading: who listens to it cannot listen so fast. */
function useDescription(drawing: Drawing, looks: readonly SeriesLook[]): string {
  const hasData = drawing.lines.some(({ stats }) => stats !== null)
  const key = `${hasData} ${drawing.stretch.to - drawing.stretch.from} ${Math.floor(drawing.stretch.to / describeEveryMs)}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when
  return useMemo(() => describe(drawing, looks), [key, looks])
}

/** What a picture cannot say to those who do not see it. */
function describe({ stretch, lines }: Drawing, looks: readonly SeriesLook[]): string {
  const parts = looks.map(({ label, look }, index) => {
    const stats = lines[index]?.stats ?? null
    if (stats === null) return `${label}: no readings.`
    const [last, min, max] = [stats.last, stats.min, stats.max].map((value) => formatLook(value, look))
    return `${label}: newest ${last} ${look.unit}, lowest ${min}, highest ${max}.`
  })
  return `${formatDuration(stretch.to - stretch.from)} shown. ${parts.join(' ')}`
}
