import './spool.css'
import type { Spool } from '@telltale/api/contract'
import { type ReactNode, useRef } from 'react'
import { formatAge, formatCount, formatDuration, formatRate } from '../ui/format.ts'
import { Lamp, type LampShape } from '../ui/lamp.tsx'
import { Fact, Panel } from './panel.tsx'
import { type Look, type Pace, paceOf } from './spool-state.ts'
import { formatBytes, formatShare } from './words.ts'

type SpoolPanelProps = {
  spool: Spool
  /** How many have one. */
  brokers: number
  /** When this was so. */
  takenAt: number
  now: number
}

/** What waits on the brokers' disks. Calm, one line, as long as nothing does. */
export function SpoolPanel({ spool, brokers, takenAt, now }: SpoolPanelProps) {
  const pace = usePace(spool, takenAt)
  return (
    <Panel title="Kept on disk" note={brokers > 1 ? `of ${brokers} brokers` : undefined}>
      <div className="panel__body spool">
        {spool.damagedBytes > 0 && <Damage bytes={spool.damagedBytes} />}
        <State spool={spool} pace={pace} />
        {spool.state !== 'empty' && <Waiting spool={spool} now={now} />}
      </div>
    </Panel>
  )
}

function State({ spool, pace }: { spool: Spool; pace: Pace | undefined }) {
  const [shape, title, words] = stateWords(spool, pace)
  return (
    <p className="spool__state">
      <Lamp shape={shape} {...(shape === 'done' && { tone: 'off' })} />
      <span>
        <b className={spool.state === 'full' ? 'ink-bad' : ''}>{title}</b>{' '}
        <span className="ink-2">{words}</span>
      </span>
    </p>
  )
}

function stateWords(spool: Spool, pace: Pace | undefined): [LampShape, string, ReactNode] {
  switch (spool.state) {
    case 'empty':
      return ['done', 'Nothing waits', restWords(spool)]
    case 'taking':
      return [
        'silent',
        'The database does not take what comes',
        'Messages are kept on the broker’s disk and acknowledged. They are stored as soon as it takes them.',
      ]
    case 'replaying':
      return ['busy', 'Being stored', paceWords(spool, pace)]
    case 'full':
      return [
        'alarm',
        'Full: publishers are held up',
        `${refusalWords(spool)} What was acknowledged is safe; devices keep the rest.`,
      ]
  }
}

function refusalWords({ refusal }: Spool): string {
  switch (refusal) {
    case 'disk_full':
      return 'The broker’s disk has too little room left. Nothing more is taken until there is room, or the database answers.'
    case 'failed':
      return 'The broker’s disk fails; the broker’s log says how. Nothing more is taken until it works, or the database answers.'
    default:
      return 'All that may wait here is used up. Nothing more is taken until the database answers.'
  }
}

function restWords({ spooledTotal, replayedTotal, damagedBytes }: Spool): string {
  const kept = Math.max(spooledTotal, replayedTotal)
  if (kept === 0) return 'Every message went straight to the database since the broker started.'
  const messages = kept === 1 ? '1 message' : `${formatCount(kept)} messages`
  const outcome = damagedBytes > 0 ? 'What could be read is stored.' : 'All are stored.'
  return `${messages} waited here while the database was away, since the broker started. ${outcome}`
}

function paceWords({ messages }: Spool, pace: Pace | undefined): ReactNode {
  const left = `${formatCount(messages)} left`
  if (pace === undefined) return `${left}.`
  const rate = `${left}, ${formatRate(pace.perSecond)} a second`
  if (pace.leftMs === null) return `${rate}: it does not get less.`
  return `${rate}, done in about ${formatDuration(Math.max(1_000, Math.round(pace.leftMs / 1_000) * 1_000))}.`
}

function Waiting({ spool, now }: { spool: Spool; now: number }) {
  const { messages, bytes, bytesMax, oldestAt, spooledTotal, replayedTotal } = spool
  return (
    <>
      <div className="spool__room">
        <span className="meter" aria-hidden="true">
          <span
            className={spool.state === 'full' ? 'meter__part is-full' : 'meter__part is-readings'}
            style={{ width: `${Math.min(100, (bytes / Math.max(1, bytesMax)) * 100)}%` }}
          />
        </span>
        <span className="spool__size">
          {formatBytes(bytes)} of {formatBytes(bytesMax)}, {formatShare(bytes, bytesMax)}
        </span>
      </div>
      <dl className="facts spool__facts">
        <Fact name="Messages waiting">{formatCount(messages)}</Fact>
        <Fact name="Oldest">{oldestAt === null ? '–' : `${formatAge(now - oldestAt)} ago`}</Fact>
        <Fact name="Kept here since start">{formatCount(spooledTotal)}</Fact>
        <Fact name="Stored from here since start">{formatCount(replayedTotal)}</Fact>
      </dl>
    </>
  )
}

function Damage({ bytes }: { bytes: number }) {
  return (
    <div className="system__warning">
      <p className="strong">A part of what waited on disk cannot be read</p>
      <p>
        {formatBytes(bytes)} were set aside in the folder “spool” or “spool-words” of the broker’s data
        folder; everything else is stored. The broker’s log says where. Keep the files if those readings
        matter, and check the disk.
      </p>
    </div>
  )
}

/** Of the last two pictures; undefined until there are two of one replay. */
function usePace(spool: Spool, takenAt: number): Pace | undefined {
  const looks = useRef<{ before: Look | null; after: Look | null }>({ before: null, after: null })
  if (spool.state !== 'replaying') looks.current = { before: null, after: null }
  else if (looks.current.after?.atMs !== takenAt) {
    const { messages, replayedTotal } = spool
    looks.current = { before: looks.current.after, after: { atMs: takenAt, messages, replayedTotal } }
  }
  const { before, after } = looks.current
  return before !== null && after !== null ? paceOf(before, after) : undefined
}
