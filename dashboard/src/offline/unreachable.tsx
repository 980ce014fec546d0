import './unreachable.css'
import { useQueryClient } from '@tanstack/react-query'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { useEffect, useReducer, useRef, useState } from 'react'
import { currentSession } from '../session/session.ts'
import { formatAge, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Mark } from '../ui/mark.tsx'
import { Failure } from '../ui/states.tsx'
import { readLastHeard } from './last-heard.ts'
import { isAway, retryDelayMs } from './retry.ts'

/** Instead of the whole dashboard, when not even who is signed in could be asked. */
export function ShellFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const queryClient = useQueryClient()
  const open = async () => {
    await router.invalidate()
    reset()
  }
  if (!isAway(error))
    return (
      <main className="page">
        <Failure what="This page could not be shown" error={error} onRetry={() => void open()} />
      </main>
    )
  const again = async () => {
    try {
      // Asked first, so that this page stays as it is until there is another one.
      await queryClient.fetchQuery({ ...currentSession, staleTime: 0 })
    } catch (refusal) {
      if (isAway(refusal)) return false
    }
    await open()
    return true
  }
  return <Unreachable again={again} />
}

/** `again` resolves with whether it was reached. */
function Unreachable({ again }: { again: () => Promise<boolean> }) {
  const { retryAt, tryNow } = useRetry(again)
  const [now, tick] = useReducer(() => Date.now(), Date.now())
  const [heardAt] = useState(readLastHeard)
  useEffect(() => {
    document.title = 'Offline · Telltale'
    const timer = setInterval(tick, 1_000)
    return () => clearInterval(timer)
  }, [])
  const waitS = retryAt === null ? null : Math.max(1, Math.ceil((retryAt - now) / 1_000))
  return (
    <main className="unreachable">
      <div className="unreachable__box">
        <Mark lit={false} />
        <h1>Offline: Telltale cannot be reached</h1>
        <p role="status">
          {navigator.onLine
            ? 'The network works as far as this browser can tell, but Telltale does not answer.'
            : 'This browser has no network.'}{' '}
          What you had open comes back by itself.
        </p>
        {heardAt !== null && (
          <p className="unreachable__known">
            <Lamp shape="offline" />
            <span>
              Last heard from it {formatAge(now - heardAt)} ago, {formatMoment(heardAt, now)}. Devices go on
              without this screen.
            </span>
          </p>
        )}
        <button type="button" className="btn btn--lg" onClick={tryNow} disabled={waitS === null}>
          {waitS === null ? 'Trying…' : 'Try now'}
        </button>
        <p className="unreachable__wait num">{waitS === null ? ' ' : `Again in ${waitS} s`}</p>
      </div>
    </main>
  )
}

/** Tries with growing waits, and at once when the network is back or the page is looked at again. */
function useRetry(again: () => Promise<boolean>) {
  const [retryAt, setRetryAt] = useState<number | null>(null)
  const failures = useRef(0)
  const newest = useRef(again)
  newest.current = again
  const tryNow = useRef<() => void>(() => undefined)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    const wait = () => {
      failures.current += 1
      const delayMs = retryDelayMs(failures.current, Math.random())
      setRetryAt(Date.now() + delayMs)
      timer = setTimeout(attempt, delayMs)
    }
    const attempt = () => {
      clearTimeout(timer)
      setRetryAt(null)
      void newest.current().then((isReached) => {
        if (!isReached && !isOver) wait()
      })
    }
    const look = () => {
      if (!document.hidden) attempt()
    }
    tryNow.current = attempt
    wait()
    window.addEventListener('online', attempt)
    document.addEventListener('visibilitychange', look)
    return () => {
      isOver = true
      clearTimeout(timer)
      window.removeEventListener('online', attempt)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return { retryAt, tryNow: () => tryNow.current() }
}
