import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type PointerEvent, useRef } from 'react'
import { formatExact } from '../ui/format.ts'
import { useMediaQuery } from '../ui/use-media-query.ts'
import type { Message, Row } from './tail.ts'
import { formatClockMs, offWords } from './times.ts'

const rowHeightPx = 28
const touchRowHeightPx = 56
/** Scrolled by less than this, the newest message is still in sight. */
const atTopPx = 4

type RawListProps = {
  rows: readonly Row[]
  chosen: Message | null
  onChoose: (message: Message) => void
  onRead: (isRead: boolean) => void
  onCopy: (message: Message) => void
}

export function RawList({ rows, chosen, onChoose, onRead, onCopy }: RawListProps) {
  const box = useRef<HTMLDivElement>(null)
  const isUnder = useRef(false)
  const isPhone = useMediaQuery('(max-width: 767px)')
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => (isPhone ? touchRowHeightPx : rowHeightPx),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 8,
  })
  const look = () => onRead(isUnder.current || (box.current?.scrollTop ?? 0) > atTopPx)
  const byMouse = (isOver: boolean) => (event: PointerEvent) => {
    if (event.pointerType !== 'mouse') return
    isUnder.current = isOver
    look()
  }
  const press = (event: KeyboardEvent) => {
    const at = rows.findIndex((row) => row.key === chosen?.key)
    const next = nextAt(rows, at, event.key)
    const row = next === null ? undefined : rows[next]
    if (event.key === 'c' && !event.ctrlKey && !event.metaKey && chosen !== null) return onCopy(chosen)
    if (next === null || row?.kind !== 'message') return
    event.preventDefault()
    onChoose(row)
    virtualizer.scrollToIndex(next)
  }
  return (
    <div
      ref={box}
      className="raw__list"
      role="listbox"
      aria-label="Messages, newest first"
      aria-activedescendant={chosen === null ? undefined : idOf(chosen)}
      tabIndex={0}
      onScroll={look}
      onPointerEnter={byMouse(true)}
      onPointerLeave={byMouse(false)}
      onKeyDown={press}
    >
      <div role="presentation" style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map(({ index, key, start, size }) => {
          const row = rows[index]
          if (row === undefined) return null
          const style = { transform: `translateY(${start}px)`, height: size }
          return row.kind === 'mark' ? (
            <div
              key={key}
              className="raw__mark"
              role="option"
              aria-selected={false}
              aria-disabled="true"
              tabIndex={-1}
              style={style}
            >
              {row.words}
            </div>
          ) : (
            <MessageRow
              key={key}
              message={row}
              isChosen={row.key === chosen?.key}
              place={index + 1}
              total={rows.length}
              style={style}
              onChoose={onChoose}
            />
          )
        })}
      </div>
    </div>
  )
}

function idOf(message: Message): string {
  return `raw-${message.key}`
}

const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }

/** The message an arrow leads to; marks are stepped over. */
function nextAt(rows: readonly Row[], at: number, key: string): number | null {
  if (key === 'Home') return rows.findIndex(({ kind }) => kind === 'message')
  if (key === 'End') return rows.findLastIndex(({ kind }) => kind === 'message')
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined
  if (step === undefined) return null
  let next = at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))
  while (rows[next]?.kind === 'mark') next += Math.sign(step)
  return rows[next] === undefined ? null : next
}

type MessageRowProps = {
  message: Message
  isChosen: boolean
  place: number
  total: number
  style: { transform: string; height: number }
  onChoose: (message: Message) => void
}

/** The whole line is in the box below; here it is as wide as the row, whatever is in it. */
const lineCharsMax = 400

function MessageRow({ message, isChosen, place, total, style, onChoose }: MessageRowProps) {
  const { time, arrivedAt, json } = message
  const off = offWords(time, arrivedAt)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
    <div
      id={idOf(message)}
      className={isChosen ? 'raw__row is-chosen' : 'raw__row'}
      role="option"
      aria-selected={isChosen}
      aria-posinset={place}
      aria-setsize={total}
      tabIndex={-1}
      style={style}
      onClick={() => onChoose(message)}
    >
      <time className="raw__time" dateTime={new Date(time).toISOString()} title={formatExact(time)}>
        {formatClockMs(time)}
      </time>
      <span className={off === '' ? 'raw__arrived' : 'raw__arrived ink-warn'}>
        {arrivedAt === null ? 'stored' : off === '' ? `arrived ${formatClockMs(arrivedAt)}` : off}
      </span>
      <code className="raw__json" dir="ltr">
        {json.slice(0, lineCharsMax)}
      </code>
    </div>
  )
}
