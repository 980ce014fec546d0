import { Link } from '@tanstack/react-router'
import type { AuditEntry } from '@telltale/api/contract'
import { ChevronDown } from 'lucide-react'
import { useId, useState } from 'react'
import { formatExact, formatMoment, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { actionWords, actorWords, targetWords } from './words.ts'

export function AuditRow({ entry, now }: { entry: AuditEntry; now: number }) {
  const { at, actor, result, address } = entry
  const [open, setOpen] = useState(false)
  const details = useId()
  const time = Date.parse(at)
  return (
    <li className="auditrow">
      <button
        type="button"
        className="auditrow__line"
        aria-expanded={open}
        aria-controls={details}
        onClick={() => setOpen(!open)}
      >
        <time className="ink-2" dateTime={at} title={formatExact(time)}>
          {formatMoment(time, now)}
        </time>
        <span className="strong cut" title={actor}>
          {actorWords(actor)}
        </span>
        <span className="auditrow__what">
          {result === 'failed' && <Lamp shape="fail" />}
          <span>
            {actionWords(entry)}{' '}
            {isOwnAccount(entry) ? 'their own account' : <bdi className="strong">{targetWords(entry)}</bdi>}
          </span>
        </span>
        <span className="ink-3 cut">
          <span className="only-phone">from </span>
          {address ?? 'inside'}
        </span>
        <ChevronDown className="i i--sm ink-3" aria-hidden="true" />
      </button>
      <div id={details} hidden={!open}>
        {open && <Details entry={entry} />}
      </div>
    </li>
  )
}

/** `changed the password of rosa`, said by rosa. */
function isOwnAccount({ actor, action, target }: AuditEntry): boolean {
  return target === actor && /^(session|password)\./.test(action)
}

/** Everything there is, and what to look for next. */
function Details({ entry }: { entry: AuditEntry }) {
  const { at, actor, action, target, detail, result, address } = entry
  return (
    <div className="auditrow__more">
      <dl className="auditrow__facts">
        <Fact name="When" value={formatExact(Date.parse(at))} />
        <Fact name="Action" value={action} />
        <Fact name="About" value={target ?? unknown} />
        <Fact name="From" value={address ?? unknown} />
        <Fact name="Outcome" value={result} />
      </dl>
      {detail !== null && <pre className="payload">{JSON.stringify(detail, null, 2)}</pre>}
      <div className="auditrow__facts">
        <Link className="link" to="/audit" search={{ actor }}>
          All by {actorWords(actor)}
        </Link>
        {target !== null && (
          <Link className="link" to="/audit" search={{ target }}>
            All about <bdi>{targetWords(entry)}</bdi>
          </Link>
        )}
      </div>
    </div>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </div>
  )
}
