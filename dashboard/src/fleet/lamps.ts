import type { Device } from '@telltale/api/contract'

/** As in the answer of the index: a letter for each state. */
export type LampState = 'o' | 's' | 'x' | 'n' | 'd'

export const stateWords: Record<LampState, string> = {
  ...{ o: 'online', s: 'silent', x: 'offline', n: 'never seen', d: 'disabled' },
}

const letters: Record<Device['presence']['status'], LampState> = {
  ...{ online: 'o', silent: 's', offline: 'x', never: 'n' },
}

export function letterOf(status: Device['presence']['status']): LampState {
  return letters[status]
}

/** A small fleet has room for lamps a person can point at; ten thousand are a picture. */
const pitchesPx = [12, 7, 5, 4, 3] as const
const rowsMin = 3
const heightMaxPx = 150

export type Grid = { pitch: number; rows: number; width: number; height: number; count: number }

/** As few rows as fit the width, so a place on the panel moves only when the window does; none where it is hidden. */
export function gridOf(count: number, widthPx: number): Grid {
  if (widthPx === 0) return { pitch: 0, rows: 0, count: 0, width: 0, height: 0 }
  let pitch: number = pitchesPx[pitchesPx.length - 1] ?? 3
  for (const fits of pitchesPx) {
    if (rowsFor(count, widthPx, fits) * fits > heightMaxPx) continue
    pitch = fits
    break
  }
  if (count > 400 && pitch > 7) pitch = 7
  const rows = rowsFor(count, widthPx, pitch)
  return { pitch, rows, count, width: widthPx, height: rows * pitch }
}

function rowsFor(count: number, widthPx: number, pitch: number): number {
  return Math.max(rowsMin, Math.ceil(count / Math.max(1, Math.floor(widthPx / pitch))))
}

/** Column by column, from the top down. */
export function placeOf(index: number, { pitch, rows }: Grid): { x: number; y: number } {
  return { x: Math.floor(index / rows) * pitch + pitch / 2, y: (index % rows) * pitch + pitch / 2 }
}

/** Which lamp is there, -1 when none. */
export function indexAt(x: number, y: number, { pitch, rows, count }: Grid): number {
  const column = Math.floor(x / pitch)
  const row = Math.floor(y / pitch)
  if (column < 0 || row < 0 || row >= rows) return -1
  const index = column * rows + row
  return index < count ? index : -1
}
