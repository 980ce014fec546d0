import './diagnostics.css'
import type { ConnectionProblem } from '@telltale/api/contract'
import type { ReactNode } from 'react'
import { formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { When } from '../ui/when.tsx'
import { limitWords, tell, timesWords } from './words.ts'

type ProblemItemProps = {
  problem: ConnectionProblem
  now: number
  /** Whose problem it is, where a list is not of one device. */
  who?: ReactNode
}

export function ProblemItem({ problem, now, who }: ProblemItemProps) {
  const { title, advice } = tell(problem.cause)
  return (
    <li className="problem">
      <Lamp shape="fail" tone="warn" />
      <div className="problem__head">
        {who}
        <span className={who === undefined ? 'strong' : ''}>{title}</span>
      </div>
      <When at={Date.parse(problem.at)} now={now} />
      <div className="problem__body">
        {advice !== '' && <p className="ink-2">{advice}</p>}
        <Circumstances problem={problem} now={now} />
      </div>
    </li>
  )
}

function Circumstances({ problem, now }: { problem: ConnectionProblem; now: number }) {
  const { count, firstAt, address, clientId, detail, limit } = problem
  return (
    <ul className="problem__facts">
      {count > 1 && (
        <li>
          {timesWords(count)} since {formatMoment(Date.parse(firstAt), now)}
        </li>
      )}
      {address !== null && (
        <li>
          from <span className="mono">{address}</span>
        </li>
      )}
      {clientId !== null && <li>client id {clientId}</li>}
      {limit !== undefined && <li className="strong">{limitWords(limit)}</li>}
      {detail !== '' && <li>{detail}</li>}
    </ul>
  )
}
