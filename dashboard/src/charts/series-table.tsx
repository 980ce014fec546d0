import './series-table.css'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type PointerEvent, type ReactNode, useMemo, useRef } from 'react'
import type { Picture } from '../telemetry/series.ts'
import { CopyButton } from '../ui/copy.tsx'
import { formatCount, formatSpan } from '../ui/format.ts'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { useZone } from '../ui/zone.ts'
import { useLive } from '../use-live.ts'
import type { ChartSeries } from './chart.tsx'
import { type SeriesLook, useLooks } from './looks.ts'
import { type Cell, cellWords, rowTime, type TableRow, tableRows, tableText } from './table-rows.ts'
import { useFrame, useShown } from './time-frame.tsx'

const rowPx = 28
const touchRowPx = 44
/** Fewer are all in the document, for whoever searches the page or marks a part of it. */
const virtualFrom = 100

type SeriesTableProps = { title: string; series: readonly ChartSeries[]; actions?: ReactNode }

/** What a chart shows, in numbers. */
export function SeriesTable({ title, series, actions }: SeriesTableProps) {
  const looks = useLooks(series)
  const { from, to, pictures } = useShown()
  const rows = useMemo(() => tableRows(looks, { from, to, pictures }), [looks, from, to, pictures])
  return (
    <section className="panel seriestable" aria-label={title}>
      <div className="chart__head">
        <h2 className="chart__title">{title}</h2>
        <span className="ink-3 seriestable__count">{rowsWords(rows, bucketOf(series, pictures))}</span>
        <span className="chart__actions">
          {actions}
          {rows.length > 0 && <CopyTable title={title} looks={looks} rows={rows} />}
        </span>
      </div>
      {rows.length === 0 ? (
        <p className="seriestable__none">No readings in this range</p>
      ) : (
        <Rows {...{ title, looks, rows }} />
      )}
    </section>
  )
}

function bucketOf(series: readonly ChartSeries[], pictures: ReadonlyMap<string, Picture>): number | null {
  return series[0] === undefined ? null : (pictures.get(series[0].deviceId)?.bucketMs ?? null)
}

function rowsWords(rows: readonly TableRow[], bucketMs: number | null): string {
  if (rows.length === 0) return ''
  const count = `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`
  const hasRanges = rows.some(({ cells }) => cells.some((cell) => cell?.min !== undefined))
  return bucketMs === null || !hasRanges
    ? count
    : `${count}, average of ${formatSpan(bucketMs)} with min and max`
}

type RowsProps = { title: string; looks: readonly SeriesLook[]; rows: readonly TableRow[] }

/** The text is made when it is wanted: ten thousand rows four times a second would be wasted. */
function CopyTable({ title, looks, rows }: RowsProps) {
  return <CopyButton text={() => tableText(looks, rows)} label={`Copy the table ${title}`} />
}

function Rows({ title, looks, rows }: RowsProps) {
  const box = useRef<HTMLDivElement>(null)
  const { frame } = useFrame()
  const isPhone = useMediaQuery('(max-width: 767px)')
  const isVirtual = rows.length > virtualFrom
  const virtualizer = useVirtualizer({
    count: rows.length,
    enabled: isVirtual,
    getScrollElement: () => box.current,
    estimateSize: () => (isPhone ? touchRowPx : rowPx),
    overscan: 10,
  })
  const items = virtualizer.getVirtualItems()
  const shown = isVirtual ? items.map(({ index }) => index) : rows.map((_, index) => index)
  const above = isVirtual ? (items[0]?.start ?? 0) : 0
  const below = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0
  const areWords = wordColumns(looks, rows)
  const byMouse = (isOver: boolean) => (event: PointerEvent) => {
    if (event.pointerType === 'mouse') frame.hover(isOver)
  }
  return (
    <section
      ref={box}
      className="seriestable__box"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard must be able to
      tabIndex={0}
      aria-label={`Table of ${title}, scrolls`}
      // Rows that came in at the top would push the one that is read from under the eyes.
      onScroll={() => (box.current?.scrollTop ?? 0) > 0 && frame.pause()}
      onPointerEnter={byMouse(true)}
      onPointerLeave={byMouse(false)}
    >
      <table className="table" aria-rowcount={rows.length + 1}>
        <Head {...{ looks, areWords }} />
        <tbody>
          <Space heightPx={above} />
          {shown.map((index) => {
            const row = rows[index]
            return row && <Row key={row.t} row={row} place={index + 2} {...{ looks, areWords }} />
          })}
          <Space heightPx={below} />
        </tbody>
      </table>
    </section>
  )
}

/** Words stand on the left, numbers on the right; what is missing stands where the others of its column do. */
function valueClass(isWord: boolean | undefined): string {
  return isWord === true ? 'seriestable__value is-word' : 'seriestable__value'
}

function wordColumns(looks: readonly SeriesLook[], rows: readonly TableRow[]): boolean[] {
  return looks.map((_, index) => {
    const first = rows.find(({ cells }) => cells[index] !== undefined)
    return typeof first?.cells[index]?.value === 'string'
  })
}

type HeadProps = { looks: readonly SeriesLook[]; areWords: readonly boolean[] }

function Head({ looks, areWords }: HeadProps) {
  return (
    <thead>
      <tr>
        <th scope="col">Time</th>
        {looks.map(({ deviceId, metric, label, look }, index) => (
          <th key={`${deviceId} ${metric}`} scope="col">
            <span className={valueClass(areWords[index])}>
              <bdi>{label}</bdi>
              {look.unit !== '' && <span className="chart__unit"> {look.unit}</span>}
            </span>
          </th>
        ))}
      </tr>
    </thead>
  )
}

/** In place of the rows that are scrolled away. */
function Space({ heightPx }: { heightPx: number }) {
  return heightPx <= 0 ? null : <tr style={{ height: heightPx }} />
}

function Row({ row, place, looks, areWords }: HeadProps & { row: TableRow; place: number }) {
  const live = useLive()
  useZone()
  return (
    <tr aria-rowindex={place}>
      <th scope="row">
        <time dateTime={new Date(row.t).toISOString()}>{rowTime(row.t, live.serverNow())}</time>
      </th>
      {looks.map((look, index) => (
        <ValueCell
          key={`${look.deviceId} ${look.metric}`}
          cell={row.cells[index]}
          look={look}
          isWord={typeof row.cells[index]?.value === 'string' || areWords[index]}
        />
      ))}
    </tr>
  )
}

type ValueCellProps = { cell: Cell | undefined; look: SeriesLook; isWord: boolean | undefined }

function ValueCell({ cell, look, isWord }: ValueCellProps) {
  const { value, range } = cellWords(cell, look)
  return (
    <td className={cell === undefined ? 'ink-3' : ''}>
      <bdi className={valueClass(isWord)}>{value}</bdi>
      {range !== '' && <span className="seriestable__range">{range}</span>}
    </td>
  )
}
