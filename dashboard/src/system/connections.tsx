import type { SystemNow } from '@telltale/api/contract'
import { formatCount, unknown } from '../ui/format.ts'
import { Fact, Panel } from './panel.tsx'
import { formatBytes } from './words.ts'

type Connection = SystemNow['brokers'][number]['connections'][number]

const listeners = { tcp: 'MQTT', tls: 'MQTT over TLS', ws: 'MQTT over WebSocket' } as const

/** Who is connected, and by which door. */
export function Connections({ now: { api, brokers } }: { now: SystemNow }) {
  const all = brokers.flatMap(({ connections }) => connections)
  const count = (fits: (one: Connection) => boolean) =>
    all.filter(fits).reduce((sum, one) => sum + one.count, 0)
  const used = (['tcp', 'tls', 'ws'] as const).filter(
    (listener) => listener === 'tcp' || count((one) => one.listener === listener) > 0,
  )
  return (
    <Panel title="Connections">
      <div className="panel__body">
        <dl className="facts">
          {used.map((listener) => (
            <Fact key={listener} name={`Devices over ${listeners[listener]}`}>
              {formatCount(count((one) => one.who === 'device' && one.listener === listener))}
            </Fact>
          ))}
          <Fact name="Integrations">{formatCount(count(({ who }) => who === 'integration'))}</Fact>
          <Fact name="Live streams and sockets" title="of dashboards and scripts, at this API">
            {formatCount(api.liveConnections)}
          </Fact>
          {brokers.map(({ brokerId, rssBytes }) => (
            <Fact key={brokerId} name={brokers.length === 1 ? 'Broker, memory' : `${brokerId}, memory`}>
              {rssBytes === null ? unknown : formatBytes(rssBytes)}
            </Fact>
          ))}
          <Fact name="API, memory">{formatBytes(api.rssBytes)}</Fact>
        </dl>
      </div>
    </Panel>
  )
}
