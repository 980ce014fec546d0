/** The same left edge for every chart, lane and mark of a page; charts.css has the same numbers. */
export const plotLeftPx = 68
export const plotLeftPhonePx = 50
export const plotRightPx = 16
export const plotTopPx = 8
/** The times under the plot. */
export const plotBottomPx = 26

export type PlotArea = { left: number; top: number; width: number; height: number }

export function plotArea(widthPx: number, heightPx: number, isPhone: boolean): PlotArea {
  const left = isPhone ? plotLeftPhonePx : plotLeftPx
  return {
    ...{ left, top: plotTopPx },
    width: Math.max(1, widthPx - left - plotRightPx),
    height: Math.max(1, heightPx - plotTopPx - plotBottomPx),
  }
}

export type Extent = { low: number; high: number }
export type Stretch = { from: number; to: number }

export function xOf(t: number, { from, to }: Stretch, { left, width }: PlotArea): number {
  return left + ((t - from) / (to - from)) * width
}

export function timeAt(x: number, { from, to }: Stretch, { left, width }: PlotArea): number {
  const share = Math.min(1, Math.max(0, (x - left) / width))
  return from + share * (to - from)
}

/** Divided before it is multiplied: the span of large values alone is near the end of what a number holds. */
export function yOf(value: number, { low, high }: Extent, { top, height }: PlotArea): number {
  return top + height - (value / (high - low) - low / (high - low)) * height
}
