import { type Picture, type Series, wordsOf } from '../telemetry/series.ts'
import { formatLook } from '../types/look.ts'
import { formatClock, formatDay, isSameDay, unknown } from '../ui/format.ts'
import type { SeriesLook } from './looks.ts'
import { stateWords } from './state-words.ts'

/** A reading, or a bucket with its extremes. */
export type Cell = { value: number | string; min?: number; max?: number }
/** One moment, or the start of one bucket; cells in the order of the columns. */
export type TableRow = { t: number; cells: (Cell | undefined)[] }

type Stretch = { from: number; to: number; pictures: ReadonlyMap<string, Picture> }

/** Every time at which any of the series has something, newest first. */
export function tableRows(looks: readonly SeriesLook[], { from, to, pictures }: Stretch): TableRow[] {
  const rows = new Map<number, TableRow>()
  for (const [index, { deviceId, metric }] of looks.entries()) {
    const picture = pictures.get(deviceId)
    const series = picture && Object.hasOwn(picture.series, metric) ? picture.series[metric] : undefined
    if (picture === undefined || series === undefined) continue
    for (const { t, cell, endT } of cellsOf(series, picture.bucketMs)) {
      if (t > to || endT < from) continue
      const row = rows.get(t) ?? { t, cells: new Array<Cell | undefined>(looks.length).fill(undefined) }
      row.cells[index] = cell
      rows.set(t, row)
    }
  }
  return [...rows.values()].sort((a, b) => b.t - a.t)
}

type TimedCell = { t: number; endT: number; cell: Cell }

/** A metric that changed its type has both numbers and words. */
function cellsOf(series: Series, bucketMs: number | null): TimedCell[] {
  const words = (wordsOf(series)?.points ?? []).map(({ t, state }) => ({
    t,
    endT: t,
    cell: { value: state },
  }))
  if (series.kind === 'state') return words
  const numbers = series.points.map(({ t, avg, min, max }) => {
    // A bucket counts as long as a part of it is in the stretch.
    if (bucketMs === null) return { t, endT: t, cell: { value: avg } }
    return { t, endT: t + bucketMs - 1, cell: { value: avg, min, max } }
  })
  return [...numbers, ...words]
}

type CellWords = { value: string; range: string }

export function cellWords(cell: Cell | undefined, { look }: SeriesLook): CellWords {
  if (cell === undefined) return { value: unknown, range: '' }
  const { value, min, max } = cell
  const isRange = min !== undefined && max !== undefined
  return {
    value: typeof value === 'string' ? stateWords(value) : formatLook(value, look),
    range: isRange ? `${formatLook(min, look)} to ${formatLook(max, look)}` : '',
  }
}

/** To the millisecond when it is not on the second, with its day when that is not today. */
export function rowTime(t: number, now: number, timeZone?: string): string {
  const rest = t % 1_000
  const clock = formatClock(t, timeZone) + (rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`)
  return isSameDay(t, now, timeZone) ? clock : `${formatDay(t, timeZone)} ${clock}`
}

/** What begins a formula in a spreadsheet, at the start of a cell. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/

/** Columns apart by tabs, as spreadsheets take them: plain numbers, times in UTC, and no text that is a formula. */
export function tableText(looks: readonly SeriesLook[], rows: readonly TableRow[]): string {
  const head = looks.flatMap(({ label, look }, index) => {
    const name = plain(look.unit === '' ? label : `${label} (${look.unit})`)
    return hasRange(rows, index) ? [`${name} avg`, `${name} min`, `${name} max`] : [name]
  })
  const lines = rows.map(({ t, cells }) => {
    const values = cells.flatMap((cell, index) => {
      const range = hasRange(rows, index) ? [written(cell?.min), written(cell?.max)] : []
      return [written(cell?.value), ...range]
    })
    return [new Date(t).toISOString(), ...values].join('\t')
  })
  return [['time', ...head].join('\t'), ...lines].join('\n')
}

function hasRange(rows: readonly TableRow[], index: number): boolean {
  return rows.some(({ cells }) => cells[index]?.min !== undefined)
}

function written(value: number | string | undefined): string {
  return typeof value === 'string' ? plain(value) : String(value ?? '')
}

function plain(text: string): string {
  const line = text.replace(/[\t\r\n]+/g, ' ')
  return formula.test(text) ? `'${line}` : line
}
