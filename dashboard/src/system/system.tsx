import './system.css'
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Readiness } from '@telltale/api/contract'
import { getHealth } from '../api.ts'
import { useSession } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { formatCount, formatDuration, formatNumber, formatRate, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'

const refreshMs = 5_000

const readiness = queryOptions({
  queryKey: ['readiness'],
  queryFn: ({ signal }) => getHealth<Readiness>('/readyz?verbose', signal),
  refetchInterval: refreshMs,
})

export function System() {
  const health = useQuery(readiness)
  return (
    <>
      <title>System · Telltale</title>
      <TopBar>
        <h1 className="top__title">System</h1>
      </TopBar>
      <div className="page">
        {health.isPending && <SkeletonLines lines={5} />}
        {health.isError && (
          <Failure
            what="Could not ask the system how it is"
            error={health.error}
            onRetry={() => void health.refetch()}
          />
        )}
        {health.data !== undefined && <Health health={health.data} />}
      </div>
    </>
  )
}

function Health({ health }: { health: Readiness }) {
  const failing = health.checks.filter((check) => !check.ok)
  return (
    <>
      <p className="verdict">
        <Lamp shape={health.ready ? 'online' : 'alarm'} />
        <b>{health.ready ? 'Everything is working' : 'Not ready'}</b>
        <span className="ink-2">
          {health.ready
            ? 'every check passes'
            : failing.map((check) => check.detail ?? check.name).join(', ') || 'a check fails'}
        </span>
      </p>
      <Numbers brokers={health.brokers ?? []} />
      <div className="grid2">
        <Checks checks={health.checks} />
        <Storage storage={health.storage} />
      </div>
      <Brokers brokers={health.brokers ?? []} />
    </>
  )
}

type Broker = NonNullable<Readiness['brokers']>[number]

function Numbers({ brokers }: { brokers: Broker[] }) {
  const sum = (pick: (broker: Broker) => number) => brokers.reduce((total, broker) => total + pick(broker), 0)
  const latencies = brokers.flatMap((broker) => broker.commitP99Ms ?? [])
  const none = brokers.length === 0
  return (
    <section className="kpis" aria-label="Now">
      <Kpi
        label="Messages in"
        value={none ? unknown : formatRate(sum((broker) => broker.messagesPerSecond))}
        unit="/s"
        note={`${formatCount(sum((broker) => broker.connections))} connections`}
      />
      <Kpi
        label="Commit latency, p99"
        value={latencies.length === 0 ? unknown : formatNumber(Math.max(...latencies))}
        unit="ms"
        note="from arrival to stored"
      />
      <Kpi
        label="Readings stored"
        value={none ? unknown : formatCount(sum((broker) => broker.readingsTotal))}
        note="since the brokers started"
      />
      <Kpi
        label="Rejected"
        value={none ? unknown : formatCount(sum((broker) => broker.rejectedTotal))}
        note="acknowledged and kept, with the reason"
      />
      <Kpi
        label="Waiting to be committed"
        value={none ? unknown : formatCount(sum((broker) => broker.pendingRows))}
        note={`${formatCount(sum((broker) => broker.conflictsTotal))} conflicts, first value kept`}
      />
    </section>
  )
}

function Kpi({ label, value, unit, note }: { label: string; value: string; unit?: string; note: string }) {
  return (
    <div className="tile">
      <span className="tile__head">{label}</span>
      <span className="tile__val">
        {value}
        {unit !== undefined && value !== unknown && <small>{unit}</small>}
      </span>
      <span className="tile__note">{note}</span>
    </div>
  )
}

function Checks({ checks }: { checks: Readiness['checks'] }) {
  return (
    <section className="panel" aria-labelledby="checks">
      <div className="panel__head">
        <h2 className="panel__title" id="checks">
          Checks
        </h2>
      </div>
      <dl className="facts panel__body">
        {checks.map((check) => (
          <div key={check.name}>
            <dt>
              <Lamp shape={check.ok ? 'done' : 'fail'} />
              {check.name}
            </dt>
            <dd className={check.ok ? 'ink-2' : 'ink-bad'}>
              {check.detail ?? (check.ok ? 'ok' : 'failing')}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Storage({ storage }: { storage: Readiness['storage'] }) {
  const { version } = useSession()
  return (
    <section className="panel" aria-labelledby="storage">
      <div className="panel__head">
        <h2 className="panel__title" id="storage">
          Storage
        </h2>
      </div>
      <dl className="facts panel__body">
        {storage === undefined ? (
          <Fact name="Database" value="not reachable" />
        ) : (
          <>
            <Fact
              name="Engine"
              value={storage.engine === 'timescale' ? 'TimescaleDB' : 'PostgreSQL, plain partitions'}
            />
            <Fact name="Server" value={serverWords(storage.serverVersion)} />
            {Object.entries(storage.durability).map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
          </>
        )}
        <Fact name="Telltale" value={version} />
      </dl>
    </section>
  )
}

/** PostgreSQL gives a bare number. */
function serverWords(version: string): string {
  return /^\d/.test(version) ? `PostgreSQL ${version}` : version
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={value}>{value}</dd>
    </div>
  )
}

function Brokers({ brokers }: { brokers: Broker[] }) {
  const now = useNow()
  return (
    <section className="panel" aria-labelledby="brokers">
      <div className="panel__head">
        <h2 className="panel__title" id="brokers">
          Brokers
        </h2>
      </div>
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
                {['Up', 'Connections', 'Messages/s', 'Readings', 'Rejected', 'Conflicts', 'Commit p99'].map(
                  (head) => (
                    <th key={head} className="r">
                      {head}
                    </th>
                  ),
                )}
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
                    {broker.commitP99Ms === null ? unknown : `${formatNumber(broker.commitP99Ms)} ms`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  )
}
