import { queryOptions, useQuery } from '@tanstack/react-query'
import type { ConnectionProblem, Device, FleetProblem } from '@telltale/api/contract'
import { useState } from 'react'
import { get } from '../api.ts'
import { problemsOf } from '../diagnostics/diagnostics.ts'
import { attemptWords, newestSince, strangerWords, tell, timesWords } from '../diagnostics/words.ts'
import { useMay } from '../session/session.ts'
import { useLive } from '../use-live.ts'
import type { Heard } from './heard.ts'

const pollMs = 3_000
const strangersLooked = 10

const strangers = queryOptions({
  queryKey: ['strangers'],
  queryFn: async ({ signal }) => {
    const answer = await get<{ items: FleetProblem[] }>('/diagnostics', { limit: strangersLooked }, signal)
    return answer.items.filter(mayBeMistaken)
  },
})

/** A device that waits to be enrolled and an integration are whom they say they are: neither is this device. */
function mayBeMistaken({ deviceId, code }: FleetProblem): boolean {
  return deviceId === null || (code === 'unknown_device' && !deviceId.startsWith('@'))
}

/**
 * What went wrong since the page was opened: the newest of this device. An admin is told of somebody else instead, as
 * long as the device itself was not heard: a mistyped user name or MQTT 5 is all that is seen of it then.
 */
export function useTrouble(device: Device, { waiting, heard }: { waiting: boolean; heard: boolean }) {
  const sinceMs = useOpenedAt()
  const refetchInterval = waiting ? pollMs : (false as const)
  const own = useQuery({ ...problemsOf(device.id), staleTime: 0, refetchInterval })
  const mayAll = useMay('admin')
  const others = useQuery({ ...strangers, enabled: mayAll, staleTime: 0, refetchInterval })
  if (!waiting) return null
  const mine = newestSince(own.data ?? [], sinceMs)
  if (mine !== undefined) return hearProblem(mine, attemptWords(mine))
  const other = heard ? undefined : newestSince(others.data ?? [], sinceMs)
  return other === undefined ? null : hearProblem(other, strangerWords(other))
}

/** In the server's time, also when the server's clock becomes known only later. */
function useOpenedAt(): number {
  const live = useLive()
  const [opened] = useState(() => performance.now())
  return live.serverNow() - (performance.now() - opened)
}

function hearProblem(problem: ConnectionProblem, title: string): Heard {
  const { id, at, count, cause } = problem
  const { advice } = tell(cause)
  const detail = count === 1 ? advice : `${advice} So far ${timesWords(count)}.`
  return {
    key: `problem ${id}`,
    kind: 'problem',
    at: Date.parse(at),
    shape: 'fail',
    tone: 'warn',
    title,
    detail,
  }
}

/** In the order of time, newest first. */
export function withTrouble(heard: readonly Heard[], trouble: Heard | null): readonly Heard[] {
  if (trouble === null) return heard
  const later = heard.filter(({ at }) => at > trouble.at)
  return [...later, trouble, ...heard.slice(later.length)]
}
