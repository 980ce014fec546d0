import { type ReactNode, useMemo, useRef, useState } from 'react'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { useSize } from '../ui/use-size.ts'
import { boundsOf } from './bounds.ts'
import type { ChartSeries } from './chart.tsx'
import { ChartHead } from './chart-head.tsx'
import { ChartMessage } from './chart-message.tsx'
import { type Drawing, draw } from './draw.ts'
import { type SeriesLook, useLooks } from './looks.ts'
import { Plot } from './plot.tsx'
import { plotArea } from './plot-area.ts'
import { PlotContext } from './plot-context.ts'
import { Surface } from './surface.tsx'
import { useFrame } from './time-frame.tsx'
import { useExpanded } from './use-expanded.ts'
import { useTurns } from './use-turns.ts'

type ChartBodyProps = {
  title: string
  series: readonly ChartSeries[]
  /** Lines there are beyond those that are drawn. */
  beyond: number
  heightPx: number
  actions: ReactNode
  isSeen: boolean
  section: HTMLElement | null
}

export function ChartBody({ title, series, beyond, heightPx, actions, isSeen, section }: ChartBodyProps) {
  const { range } = useFrame()
  const looks = useLooks(series)
  const { visible, choose } = useVisible(looks)
  const { ref, width, height: measuredPx } = useSize()
  const expanded = useExpanded(section)
  const leastPx = expanded.heightPx ?? heightPx
  const height = Math.max(leastPx, measuredPx)
  const isPhone = useMediaQuery('(max-width: 767px)')
  const drawing = useDrawing({ looks, visible, width, height, isPhone, isSeen })
  const plotted = useMemo(() => ({ drawing, isLive: range.kind === 'live' }), [drawing, range])
  const [dock, setDock] = useState<HTMLElement | null>(null)
  const look = useSharedLook(looks, visible)
  const { low, high } = drawing.axis
  const bounds = useMemo(() => (look === null ? [] : boundsOf(look, { low, high })), [look, low, high])
  return (
    <PlotContext value={plotted}>
      <ChartHead
        {...{ title, looks, visible, choose, beyond, actions, expanded }}
        dock={<div ref={setDock} className="chart__dock only-phone" />}
      />
      <div ref={ref} className="plotbox" style={{ minHeight: leastPx }}>
        {width > 0 && (
          <>
            <Plot
              width={width}
              height={height}
              leftPx={drawing.area.left}
              axis={drawing.axis}
              bounds={bounds}
            />
            <Surface title={title} looks={looks} dock={isPhone ? dock : null} />
            <ChartMessage looks={looks} />
          </>
        )}
      </div>
    </PlotContext>
  )
}

type DrawingOptions = {
  looks: readonly SeriesLook[]
  visible: ReadonlySet<number>
  width: number
  height: number
  isPhone: boolean
  isSeen: boolean
}

function useDrawing({ looks, visible, width, height, isPhone, isSeen }: DrawingOptions): Drawing {
  const { frame } = useFrame()
  const { from, to, pictures } = useTurns(frame, isSeen)
  const area = useMemo(() => plotArea(width, height, isPhone), [width, height, isPhone])
  const before = useRef<{ drawing: Drawing; of: readonly unknown[] } | null>(null)
  return useMemo(() => {
    const of = [looks, visible]
    // What other lines needed is no reason to keep an axis.
    const isSame = before.current?.of.every((one, index) => one === of[index]) === true
    const drawing = draw({
      ...{ stretch: { from, to }, area, pictures, visible, lines: looks },
      now: frame.now(),
      before: isSame ? (before.current?.drawing ?? null) : null,
    })
    before.current = { drawing, of }
    return drawing
  }, [frame, from, to, pictures, looks, visible, area])
}

/** The lines that are drawn, by their place. */
function useVisible(looks: readonly SeriesLook[]) {
  const [chosen, setChosen] = useState<ReadonlySet<number> | null>(null)
  const visible = useMemo(() => {
    const all = looks.map((_, index) => index)
    const wanted = all.filter((index) => chosen?.has(index) ?? true)
    return new Set(wanted.length === 0 ? all : wanted)
  }, [looks, chosen])
  /** One alone; the same again: all. With a modifier: this one as well, or no longer. */
  const choose = (index: number, isToggle: boolean) => {
    if (isToggle) {
      const next = new Set(visible)
      if (!next.delete(index)) next.add(index)
      return setChosen(next.size === 0 || next.size === looks.length ? null : next)
    }
    setChosen(visible.size === 1 && visible.has(index) && looks.length > 1 ? null : new Set([index]))
  }
  return { visible, choose }
}

/** Thresholds are drawn where they are those of every line. */
function useSharedLook(looks: readonly SeriesLook[], visible: ReadonlySet<number>) {
  return useMemo(() => {
    const shown = looks.filter((_, index) => visible.has(index)).map(({ look }) => look)
    const key = (look: SeriesLook['look']) => JSON.stringify([look.thresholds, look.unit])
    const [first] = shown
    return first !== undefined && shown.every((look) => key(look) === key(first)) ? first : null
  }, [looks, visible])
}
