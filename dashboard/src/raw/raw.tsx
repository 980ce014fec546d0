import './raw.css'
import { Pause, Play, Search, Trash2 } from 'lucide-react'
import { useDeferredValue, useRef, useState } from 'react'
import { copyText } from '../ui/clipboard.ts'
import { formatCount } from '../ui/format.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { CopyLines } from './copy-lines.tsx'
import { RawDetail } from './raw-detail.tsx'
import { RawList } from './raw-list.tsx'
import { filtered, type Message, type Row, rowsMax } from './tail.ts'
import { useHold, useTail } from './use-tail.ts'

/** What the device says, as it was stored, message by message, newest first. */
export function Raw({ deviceId }: { deviceId: string }) {
  const { tail, rows, stored } = useTail(deviceId)
  const [isPaused, setPaused] = useState(false)
  // Whatever is under the pointer, or has been scrolled to, does not move.
  const [isRead, setRead] = useState(false)
  const [filter, setFilter] = useState('')
  const [chosen, setChosen] = useState<Message | null>(null)
  const { shown, arrived } = useHold(tail, rows, isPaused || isRead)
  const wanted = useDeferredValue(filter)
  const found = filtered(shown, wanted).toReversed()
  const clear = () => {
    tail.clear()
    setChosen(null)
    setPaused(false)
    setRead(false)
  }
  return (
    <section className="panel raw" aria-label="Raw messages">
      <div className="raw__bar">
        <label className="input raw__filter">
          <Search className="i ink-3" aria-hidden="true" />
          <input
            type="search"
            aria-label="Filter by metric or text"
            placeholder="Metric or text"
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
        </label>
        <PauseButton isPaused={isPaused} onPause={setPaused} />
        <CopyLines count={found.length} lines={() => linesOf(found)} />
        <button type="button" className="btn" onClick={clear}>
          <Trash2 className="i" aria-hidden="true" />
          Clear
        </button>
        <State held={isPaused ? 'Paused' : isRead ? 'Held while you read' : null} arrived={arrived} />
      </div>
      {stored.isError && rows.length === 0 && (
        <Failure
          what="Could not load the stored messages"
          error={stored.error}
          onRetry={() => void stored.refetch()}
        />
      )}
      {found.length === 0 ? (
        <Nothing isLoading={stored.isPending} isFiltered={shown.length > 0} />
      ) : (
        <RawList
          rows={found}
          chosen={chosen}
          onChoose={setChosen}
          onRead={setRead}
          onCopy={(message) => void copyText(message.json)}
        />
      )}
      {chosen !== null && <RawDetail message={chosen} onClose={() => setChosen(null)} />}
      <Foot found={found} shown={shown} isFiltered={wanted.trim() !== ''} />
      <Announcer tail={tail} isHeld={isPaused || isRead} />
    </section>
  )
}

function linesOf(newestFirst: readonly Row[]): string {
  return newestFirst.flatMap((row) => (row.kind === 'message' ? [row.json] : [])).join('\n')
}

function PauseButton({ isPaused, onPause }: { isPaused: boolean; onPause: (isPaused: boolean) => void }) {
  const Icon = isPaused ? Play : Pause
  return (
    <button type="button" className="btn" aria-pressed={isPaused} onClick={() => onPause(!isPaused)}>
      <Icon className="i" aria-hidden="true" />
      {isPaused ? 'Resume' : 'Pause'}
    </button>
  )
}

function State({ held, arrived }: { held: string | null; arrived: number }) {
  if (held === null) return null
  return (
    <span className="raw__state">
      {held}
      <b className="num">{formatCount(arrived)} new</b>
    </span>
  )
}

function Nothing({ isLoading, isFiltered }: { isLoading: boolean; isFiltered: boolean }) {
  if (isLoading) return <SkeletonLines lines={4} heightPx={30} />
  if (isFiltered) {
    return (
      <Quietbox title="No message matches">
        <span>The filter looks at names and values. What comes next is looked at, too.</span>
      </Quietbox>
    )
  }
  return (
    <Quietbox title="Waiting for the next message">
      <span>Each one is shown here as it was stored, with its time and when it arrived.</span>
    </Quietbox>
  )
}

type FootProps = { found: readonly Row[]; shown: readonly Row[]; isFiltered: boolean }

function Foot({ found, shown, isFiltered }: FootProps) {
  const messages = shown.filter(({ kind }) => kind === 'message').length
  const matching = found.filter(({ kind }) => kind === 'message').length
  return (
    <p className="raw__foot">
      {isFiltered
        ? `${formatCount(matching)} of ${formatCount(messages)} messages match.`
        : `${formatCount(messages)} messages, the newest on top.`}{' '}
      The last {rowsMax} are kept here. Older messages are read from the store: a text is listed only where it
      changed.
    </p>
  )
}

const announceEveryMs = 10_000

/** A screen reader is told how many came, now and then, never each. */
function Announcer({ tail, isHeld }: { tail: { count: number }; isHeld: boolean }) {
  const said = useRef({ at: 0, count: 0 })
  const [words, setWords] = useState('')
  const now = Date.now()
  const fresh = tail.count - said.current.count
  if (!isHeld && fresh > 0 && now - said.current.at > announceEveryMs) {
    said.current = { at: now, count: tail.count }
    setWords(`${formatCount(fresh)} new ${fresh === 1 ? 'message' : 'messages'}`)
  }
  return (
    <span role="status" className="vh">
      {words}
    </span>
  )
}
