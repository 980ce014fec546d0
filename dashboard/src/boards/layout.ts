import type { Panel } from '@telltale/api/contract'
import { panelHeights, panelsMax } from './panels.ts'

const columns = 12

/** Panels stand in the order of the document; where one lands in the grid follows from the widths before it. */
export function movePanel(panels: readonly Panel[], from: number, to: number): Panel[] {
  const moved = panels[from]
  if (moved === undefined || to < 0 || to >= panels.length) return [...panels]
  const others = panels.filter((_, at) => at !== from)
  return [...others.slice(0, to), moved, ...others.slice(to)]
}

export function changePanel(panels: readonly Panel[], changed: Panel): Panel[] {
  return panels.map((panel) => (panel.id === changed.id ? changed : panel))
}

export function removePanel(panels: readonly Panel[], id: string): Panel[] {
  return panels.filter((panel) => panel.id !== id)
}

/** The copy stands right after its original. A full board stays as it is. */
export function duplicatePanel(panels: readonly Panel[], id: string, newId: string): Panel[] {
  if (panels.length >= panelsMax) return [...panels]
  return panels.flatMap((panel) => (panel.id === id ? [panel, { ...panel, id: newId }] : [panel]))
}

export function widen<P extends Panel>(panel: P, by: number): P {
  return { ...panel, width: Math.min(columns, Math.max(1, panel.width + by)) }
}

export function heighten<P extends Panel>(panel: P, by: number): P {
  const at = panelHeights.indexOf(panel.height) + by
  const height = panelHeights[Math.min(panelHeights.length - 1, Math.max(0, at))]
  return height === undefined ? panel : { ...panel, height }
}

/** A corner dragged so far from where the panel begins: the nearest number of columns. */
export function widthAt(px: number, gridPx: number, gapPx: number): number {
  const columnPx = (gridPx + gapPx) / columns
  return Math.min(columns, Math.max(1, Math.round((px + gapPx) / columnPx)))
}

export type Box = { left: number; top: number; width: number; height: number }
export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/**
 * Where an arrow leads from the panel at `at`. Left and right go along the document, so that every place can be
 * reached; up and down go to the nearest panel of the row above or below, and stay where there is none.
 */
export function placeBeside(boxes: readonly Box[], at: number, arrow: Arrow): number {
  if (arrow === 'ArrowLeft') return Math.max(0, at - 1)
  if (arrow === 'ArrowRight') return Math.min(boxes.length - 1, at + 1)
  const here = boxes[at]
  if (here === undefined) return at
  const isBeyond = (box: Box) =>
    arrow === 'ArrowUp' ? box.top + box.height <= here.top + 1 : box.top >= here.top + here.height - 1
  let best = at
  let bestDistance = Infinity
  for (const [index, box] of boxes.entries()) {
    if (!isBeyond(box)) continue
    const distance = 4 * Math.abs(middle(box).y - middle(here).y) + Math.abs(middle(box).x - middle(here).x)
    if (distance >= bestDistance) continue
    best = index
    bestDistance = distance
  }
  return best
}

export function middle({ left, top, width, height }: Box): { x: number; y: number } {
  return { x: left + width / 2, y: top + height / 2 }
}
