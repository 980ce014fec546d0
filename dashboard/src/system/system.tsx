import './system.css'
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Readiness } from '@telltale/api/contract'
import { useRef } from 'react'
import { getHealth } from '../api.ts'
import { FleetProblems } from '../diagnostics/fleet-problems.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { Brokers } from './brokers.tsx'
import { Deletions } from './deletions.tsx'
import { Durability } from './durability.tsx'
import { Jobs } from './jobs.tsx'
import { Numbers } from './numbers.tsx'
import { Panel } from './panel.tsx'
import { Rollups } from './rollups.tsx'
import { Storage } from './storage.tsx'
import { NoAnswer, Verdict } from './verdict.tsx'

const refreshMs = 5_000

const readiness = queryOptions({
  queryKey: ['readiness'],
  queryFn: ({ signal }) => getHealth<Readiness>('/readyz?verbose', signal),
  // Asking again without any picture would take the failure off the screen each time.
  refetchInterval: ({ state }) => (state.status === 'error' && state.data === undefined ? false : refreshMs),
})

export function System() {
  const health = useQuery(readiness)
  const retry = () => void health.refetch()
  return (
    <>
      <title>System · Telltale</title>
      <TopBar>
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
        {health.data !== undefined && <Health health={health.data} isOld={health.isError} />}
      </div>
    </>
  )
}

function Health({ health, isOld }: { health: Readiness; isOld: boolean }) {
  const now = useNowOrThen(isOld)
  const { storage, brokers = [] } = health
  return (
    <>
      {!isOld && <Verdict health={health} now={now} />}
      <Numbers brokers={brokers} storage={storage} now={now} />
      {storage === undefined ? (
        <NoStorage isReachable={health.checks.every(({ name, ok }) => name !== 'database' || ok)} />
      ) : (
        <>
          <div className="grid2">
            <Storage storage={storage} now={now} />
            <div className="system__column">
              <Rollups storage={storage} now={now} />
              <Durability durability={storage.durability} />
            </div>
          </div>
          <Jobs storage={storage} now={now} />
        </>
      )}
      <Deletions open={storage?.deletionsOpen ?? 0} now={now} />
      <Brokers brokers={brokers} now={now} />
      <FleetProblems now={now} />
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
          <span>Nothing is acknowledged meanwhile: devices send again what was not stored.</span>
        </Quietbox>
      )}
    </Panel>
  )
}
