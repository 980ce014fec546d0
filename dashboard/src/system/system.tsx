import './rates.css'
import './system.css'
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Readiness, SystemNow } from '@telltale/api/contract'
import { useRef } from 'react'
import { getHealth } from '../api.ts'
import { FleetProblems } from '../diagnostics/fleet-problems.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { formatDuration } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { Acknowledged } from './acknowledged.tsx'
import { Brokers } from './brokers.tsx'
import { Connections } from './connections.tsx'
import { Deletions } from './deletions.tsx'
import { Durability } from './durability.tsx'
import type { StorageReport } from './health.ts'
import { History } from './history.tsx'
import { Jobs } from './jobs.tsx'
import { refreshMs, systemNow } from './now.ts'
import { Numbers } from './numbers.tsx'
import { Panel } from './panel.tsx'
import { Rejections } from './rejections.tsx'
import { Rollups } from './rollups.tsx'
import { SpoolPanel } from './spool.tsx'
import { Storage } from './storage.tsx'
import { NoAnswer, Verdict } from './verdict.tsx'
import { Versions } from './versions.tsx'

/** While the database is away nothing is told of its storage: what was told last stays. */
type Seen = Readiness & { lastStorage: Readiness['storage'] }

const readinessKey = ['system', 'readiness']

const readiness = queryOptions({
  queryKey: readinessKey,
  queryFn: async ({ signal, client }): Promise<Seen> => {
    const health = await getHealth<Readiness>('/readyz?verbose', signal)
    return { ...health, lastStorage: health.storage ?? client.getQueryData<Seen>(readinessKey)?.lastStorage }
  },
  // Asking again without any picture would take the failure off the screen each time.
  refetchInterval: ({ state }) => (state.status === 'error' && state.data === undefined ? false : refreshMs),
})

export function System() {
  const health = useQuery(readiness)
  const retry = () => void health.refetch()
  return (
    <>
      <title>System · Telltale</title>
      <TopBar actions={<Uptime />}>
        <h1 className="top__title">System</h1>
      </TopBar>
      <div className={health.isError ? 'page system is-old' : 'page system'}>
        {health.isPending && <SkeletonLines lines={5} />}
        {health.isError &&
          (health.data === undefined ? (
            <Failure what="Could not ask the system how it is" error={health.error} onRetry={retry} />
          ) : (
            <NoAnswer asOf={health.dataUpdatedAt} onRetry={retry} />
          ))}
        {health.data !== undefined && (
          <Health health={health.data} takenAt={health.dataUpdatedAt} isOld={health.isError} />
        )}
      </div>
    </>
  )
}

/** Of the broker that has run longest: devices notice when it starts again, not when the API does. */
function Uptime() {
  const brokers = useQuery(systemNow).data?.brokers ?? []
  const now = useNow(refreshMs)
  if (brokers.length === 0) return null
  const since = Math.min(...brokers.map(({ startedAt }) => startedAt))
  return <span className="system__up ink-3 not-phone">up {formatDuration(Math.max(0, now - since))}</span>
}

function Health({ health, takenAt, isOld }: { health: Seen; takenAt: number; isOld: boolean }) {
  const now = useNowOrThen(isOld)
  const system = useQuery(systemNow)
  const { brokers = [] } = health
  const isLast = health.storage === undefined && !isReachable(health)
  const storage = isLast ? health.lastStorage : health.storage
  return (
    <>
      {!isOld && <Verdict health={health} now={now} />}
      <Numbers brokers={brokers} storage={storage} system={system.data} now={now} />
      {health.spool !== null && (
        <SpoolPanel
          spool={health.spool}
          brokers={brokers.filter(({ spool }) => spool !== null).length}
          takenAt={takenAt}
          now={now}
        />
      )}
      {system.data !== undefined ? (
        <OfNow system={system.data} storage={storage} now={now} />
      ) : (
        system.isError && (
          <Failure
            what="Could not ask what came in"
            error={system.error}
            onRetry={() => void system.refetch()}
          />
        )
      )}
      <Rejections now={now} />
      {storage === undefined ? (
        <NoStorage isReachable={isReachable(health)} />
      ) : (
        // Rollups and jobs are judged by the time the picture was taken at: nothing is known of them since.
        <StorageParts storage={storage} now={isLast ? (storage.newestReading ?? now) : now} isLast={isLast} />
      )}
      <Deletions open={storage?.deletionsOpen ?? 0} now={now} />
      <Brokers brokers={brokers} now={now} />
      <FleetProblems now={now} />
    </>
  )
}

function isReachable({ checks }: Readiness): boolean {
  return checks.every(({ name, ok }) => name !== 'database' || ok)
}

type StoragePartsProps = { storage: StorageReport; now: number; isLast: boolean }

function StorageParts({ storage, now, isLast }: StoragePartsProps) {
  return (
    <div className={isLast ? 'system__then is-old' : 'system__then'}>
      <div className="grid2">
        <Storage storage={storage} now={now} isLast={isLast} />
        <div className="system__column">
          <Rollups storage={storage} now={now} />
          <Durability durability={storage.durabilityJudged} />
        </div>
      </div>
      <Jobs storage={storage} now={now} />
    </div>
  )
}

type OfNowProps = { system: SystemNow; storage: Readiness['storage']; now: number }

/** What the programs say of themselves; nothing of it is asked of the database. */
function OfNow({ system, storage, now }: OfNowProps) {
  return (
    <>
      <History history={system.history} now={now} />
      <div className="system__three">
        <Acknowledged brokers={system.brokers} />
        <Connections now={system} />
        <Versions system={system} storage={storage} now={now} />
      </div>
    </>
  )
}

/** An old picture is judged by the clock it was taken at: nothing in it goes on ticking. */
function useNowOrThen(isOld: boolean): number {
  const now = useNow(refreshMs)
  const then = useRef(now)
  if (!isOld) then.current = now
  return then.current
}

function NoStorage({ isReachable }: { isReachable: boolean }) {
  return (
    <Panel title="Storage">
      {isReachable ? (
        <Quietbox icon={<Lamp shape="silent" />} title="Storage could not be described">
          <span>The database answers, but not to this question. The API’s log says why.</span>
        </Quietbox>
      ) : (
        <Quietbox icon={<Lamp shape="offline" />} title="The database cannot be reached">
          <span>What devices send is kept on the broker’s disk meanwhile, and stored when it is back.</span>
        </Quietbox>
      )}
    </Panel>
  )
}
