import type { Readiness } from '@telltale/api/contract'
import { RotateCw } from 'lucide-react'
import { formatClock } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { concerns, spoolConcerns } from './health.ts'

/** The whole page in one line. It is read out when its words change, so nothing in it ticks. */
export function Verdict({ health, now }: { health: Readiness; now: number }) {
  const { storage, checks } = health
  const watch = [
    ...spoolConcerns(health.spool),
    ...(storage === undefined ? ['storage could not be described'] : concerns(storage, now)),
  ]
  return (
    <div className="verdict">
      <p role="status">{health.ready ? <Working watch={watch} /> : <NotReady checks={checks} />}</p>
      <ul className="verdict__checks" aria-label="Checks">
        {checks.map(({ name, ok }) => (
          <li key={name} className={ok ? 'ink-2' : 'ink-bad'}>
            <Lamp shape={ok ? 'done' : 'fail'} />
            {name} {ok ? 'ok' : 'failing'}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Working({ watch }: { watch: string[] }) {
  const isWell = watch.length === 0
  const words = watch.length === 1 ? 'Working, with a warning' : 'Working, with warnings'
  return (
    <>
      <Lamp shape={isWell ? 'online' : 'silent'} />
      <b>{isWell ? 'Everything is working' : words}</b>
      <span className="ink-2">{isWell ? 'every check passes' : watch.join(', ')}</span>
    </>
  )
}

function NotReady({ checks }: { checks: Readiness['checks'] }) {
  const failing = checks.filter(({ ok }) => !ok)
  const words = failing.map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`))
  return (
    <>
      <Lamp shape="alarm" />
      <b>Not ready</b>
      <span className="ink-2">{words.join('; ') || 'a check fails'}</span>
    </>
  )
}

/** In place of the verdict while nobody answers: nothing below may look as if it were of now. */
export function NoAnswer({ asOf, onRetry }: { asOf: number; onRetry: () => void }) {
  return (
    <div className="banner banner--off">
      <Lamp shape="offline" />
      <span role="status">
        <b>The system does not answer.</b> What you see is from {formatClock(asOf)}.
      </span>
      <button type="button" className="btn btn--sm" onClick={onRetry}>
        <RotateCw className="i i--sm" aria-hidden="true" />
        Try again
      </button>
    </div>
  )
}
