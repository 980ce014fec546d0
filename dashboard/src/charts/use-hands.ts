import type { PointerEvent, RefObject } from 'react'
import type { Drawing } from './draw.ts'
import { snapped } from './moves.ts'
import { type Stretch, timeAt } from './plot-area.ts'
import { useFrame } from './time-frame.tsx'

type HandsOptions = {
  drawing: RefObject<Drawing>
  selection: Stretch | null
  setSelection: (selection: Stretch | null) => void
  onPoint: (by: 'hand' | null) => void
  drag: RefObject<Drag | null>
}

/** What began with a press: a selection under a mouse, a movement of the whole stretch under a finger. */
export type Drag = { startX: number; start: Stretch; isMoving: boolean }

/** A hand is not still: less than this is a press, not a drag. */
const dragMinPx = 6

/**
 * A mouse points where it is, and marks a part to zoom into by dragging. A finger points with a tap and pulls time
 * along with a sideways drag; up and down it scrolls the page as anywhere else.
 */
export function useHands({ drawing, drag, selection, setSelection, onPoint }: HandsOptions) {
  const { frame, zoom, range, setRange, canGoBack, back } = useFrame()

  const timeOf = (event: PointerEvent) => {
    const { stretch, area } = drawing.current
    return timeAt(xIn(event, drawing.current), stretch, area)
  }

  const point = (event: PointerEvent) => {
    onPoint('hand')
    frame.crosshair.set(snapped(drawing.current.lines, timeOf(event)))
  }

  const pull = (event: PointerEvent, { startX, start }: Drag) => {
    const ms = ((startX - event.clientX) / drawing.current.area.width) * (start.to - start.from)
    const to = Math.min(start.to + ms, frame.now())
    frame.peek(to - (start.to - start.from), to)
  }

  const isTouch = (event: PointerEvent) => event.pointerType === 'touch'

  return {
    onPointerEnter: (event: PointerEvent) => {
      if (!isTouch(event)) frame.hover(true)
    },
    onPointerLeave: (event: PointerEvent) => {
      if (isTouch(event) || drag.current !== null) return
      frame.hover(false)
      frame.crosshair.set(null)
      onPoint(null)
    },
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return
      const { stretch } = drawing.current
      drag.current = { startX: event.clientX, start: stretch, isMoving: false }
      if (!isTouch(event)) event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent) => {
      const { current } = drag
      if (current !== null && Math.abs(event.clientX - current.startX) >= dragMinPx) current.isMoving = true
      if (current?.isMoving !== true) {
        if (isTouch(event)) return
        // After the way back from a zoom it is over the chart without having entered it.
        if (current === null) frame.hover(true)
        return point(event)
      }
      if (!isTouch(event)) {
        point(event)
        const { area } = drawing.current
        const from = timeAt(
          xIn(event, drawing.current) - (event.clientX - current.startX),
          current.start,
          area,
        )
        return setSelection({ from, to: timeOf(event) })
      }
      frame.pause()
      event.currentTarget.setPointerCapture(event.pointerId)
      frame.crosshair.set(null)
      pull(event, current)
    },
    onPointerUp: (event: PointerEvent) => {
      const { current } = drag
      drag.current = null
      if (current === null) return
      if (!isTouch(event)) {
        if (selection === null) return
        setSelection(null)
        frame.crosshair.set(null)
        return zoom(Math.min(selection.from, selection.to), Math.max(selection.from, selection.to))
      }
      if (!current.isMoving) {
        frame.pause()
        return point(event)
      }
      const { from, to } = frame.getShown()
      if (range.kind === 'live') zoom(from, to)
      else setRange({ kind: 'fixed', from: Math.round(from), to: Math.round(to) })
    },
    onPointerCancel: () => {
      drag.current = null
      setSelection(null)
      frame.drop()
    },
    onDoubleClick: () => {
      if (canGoBack) back()
    },
  }
}

/** In the coordinates of the plot, whose left edge the surface shares. */
function xIn(event: PointerEvent, { area }: Drawing): number {
  return event.clientX - event.currentTarget.getBoundingClientRect().left + area.left
}
