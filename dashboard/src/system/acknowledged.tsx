import type { SystemNow } from '@telltale/api/contract'
import { formatCount, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Panel } from './panel.tsx'
import { type Ledger, ledgerOf } from './rates.ts'

/** The promise of the platform, counted at both ends: where it answers, and where it stores. */
export function Acknowledged({ brokers }: { brokers: SystemNow['brokers'] }) {
  const ledger = ledgerOf(brokers)
  const row = (which: keyof Ledger) => (ledger === undefined ? unknown : formatCount(ledger[which]))
  return (
    <Panel title="Acknowledged and stored" note="messages since start">
      <div className="panel__body">
        <dl className="ledger">
          <div>
            <dt>Acknowledged to devices</dt>
            <dd>{row('acknowledged')}</dd>
          </div>
          <div>
            <dt>Stored</dt>
            <dd>{row('stored')}</dd>
          </div>
          <div className="ledger__part">
            <dt>rejected, kept with the reason</dt>
            <dd>{row('rejected')}</dd>
          </div>
          <div className="ledger__part">
            <dt>no answer wanted, or gone before it</dt>
            <dd>{row('unanswered')}</dd>
          </div>
          <div>
            <dt>Kept on the broker’s disk, not in the database yet</dt>
            <dd className={ledger !== undefined && ledger.waiting > 0 ? 'ink-warn' : ''}>{row('waiting')}</dd>
          </div>
          <div className="ledger__sum">
            <dt>
              <Lamp shape={lampOf(ledger)} />
              Acknowledged but missing
            </dt>
            <dd className={ledger !== undefined && ledger.missing > 0 ? 'ink-bad' : ''}>{row('missing')}</dd>
          </div>
        </dl>
        <p className="system__hint">
          {ledger !== undefined && ledger.missing > 0
            ? 'The counts disagree: something was acknowledged that is neither stored nor kept. Please report this.'
            : 'Both counts agree: what was acknowledged is stored, or on the broker’s disk.'}
        </p>
      </div>
    </Panel>
  )
}

function lampOf(ledger: Ledger | undefined) {
  if (ledger === undefined) return 'never'
  return ledger.missing > 0 ? 'fail' : 'done'
}
