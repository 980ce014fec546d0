import type { KeyboardEvent, RefObject } from 'react'
import type { Drawing } from './draw.ts'
import { ended, type Move, moveOf, scaled, stepped } from './moves.ts'
import type { Stretch } from './plot-area.ts'
import { useFrame } from './time-frame.tsx'
import type { Drag } from './use-hands.ts'

type KeysOptions = {
  drawing: RefObject<Drawing>
  selection: Stretch | null
  setSelection: (selection: Stretch | null) => void
  onPoint: () => void
  /** Of a mouse that is at it; Escape ends it. */
  drag: RefObject<Drag | null>
}

/** Everything a mouse can do with a chart, by keys. */
export function useKeys({ drawing, drag, selection, setSelection, onPoint }: KeysOptions) {
  const { frame, zoom, canGoBack, back, resume } = useFrame()
  const { crosshair } = frame

  const point = (t: number | null) => {
    if (t === null) return
    frame.pause()
    onPoint()
    crosshair.set(t)
  }

  const extend = (direction: 1 | -1) => {
    const start = selection?.from ?? crosshair.get() ?? ended(drawing.current.lines, 1)
    const end = stepped(drawing.current.lines, selection?.to ?? start, direction)
    if (start === null || end === null) return
    point(end)
    setSelection({ from: start, to: end })
  }

  const take = () => {
    if (selection === null || selection.from === selection.to) return
    setSelection(null)
    crosshair.set(null)
    zoom(Math.min(selection.from, selection.to), Math.max(selection.from, selection.to))
  }

  const leave = () => {
    drag.current = null
    if (selection !== null) return setSelection(null)
    if (canGoBack) return back()
    crosshair.set(null)
    if (frame.getHold().paused) resume()
  }

  const scale = (factor: number) => {
    const { stretch } = drawing.current
    const around = crosshair.get() ?? (stretch.from + stretch.to) / 2
    const { from, to } = scaled(stretch, factor, { around, now: frame.now() })
    zoom(from, to)
  }

  const make = (move: Move) => {
    switch (move.kind) {
      case 'step':
        setSelection(null)
        return point(stepped(drawing.current.lines, crosshair.get(), move.direction))
      case 'end':
        setSelection(null)
        return point(ended(drawing.current.lines, move.direction))
      case 'extend':
        return extend(move.direction)
      case 'scale':
        return scale(move.factor)
      case 'take':
        return take()
      case 'leave':
        return leave()
      case 'hold':
        return frame.getHold().paused ? resume() : frame.pause()
    }
  }

  return (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const move = moveOf(event.key, event.shiftKey)
    if (move === null) return
    event.preventDefault()
    event.stopPropagation()
    make(move)
  }
}
