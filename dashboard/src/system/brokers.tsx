import { formatCount, formatDuration, formatNumber, formatRate, unknown } from '../ui/format.ts'
import { Quietbox } from '../ui/states.tsx'
import type { Broker } from './numbers.tsx'
import { Panel } from './panel.tsx'

const heads = [
  'Up',
  'Connections',
  'Messages/s',
  'Readings',
  'Rejected',
  'Conflicts',
  'On disk',
  'Commit p99',
]

export function Brokers({ brokers, now }: { brokers: Broker[]; now: number }) {
  return (
    <Panel title="Brokers">
      {brokers.length === 0 ? (
        <Quietbox title="No broker reports">
          <span>Devices cannot connect until one is running.</span>
        </Quietbox>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone
        <section className="scroll-x" tabIndex={0} aria-label="Table of brokers">
          <table className="table">
            <thead>
              <tr>
                <th>Broker</th>
                {heads.map((head) => (
                  <th key={head} className="r">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {brokers.map((broker) => (
                <tr key={broker.brokerId}>
                  <td>{broker.brokerId}</td>
                  <td className="r">{formatDuration(now - broker.startedAt)}</td>
                  <td className="r">{formatCount(broker.connections)}</td>
                  <td className="r">{formatRate(broker.messagesPerSecond)}</td>
                  <td className="r">{formatCount(broker.readingsTotal)}</td>
                  <td className="r">{formatCount(broker.rejectedTotal)}</td>
                  <td className="r">{formatCount(broker.conflictsTotal)}</td>
                  <td className="r">
                    {broker.spool === null ? unknown : formatCount(broker.spool.messages)}
                  </td>
                  <td className="r">
                    {broker.commitP99Ms === null ? unknown : `${formatNumber(broker.commitP99Ms)} ms`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  )
}
