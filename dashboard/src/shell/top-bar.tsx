import { notifications } from '@mantine/notifications'
import { CircleQuestionMark } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { LivePill } from '../ui/live-pill.tsx'
import { ThemeMenu } from '../ui/theme-menu.tsx'
import { ZoneMenu } from '../ui/zone-menu.tsx'
import { useLive, useLiveState, useNow } from '../use-live.ts'
import { overlay } from './overlay.ts'

const pollingWords =
  'Something between you and the server holds back the stream, so values are asked for. The stream is tried again.'

type TopBarProps = { children: ReactNode; actions?: ReactNode }

export function TopBar({ children, actions }: TopBarProps) {
  const bar = useRef<HTMLElement>(null)
  // At every render: the name of a device comes later than its page, and may change while it is shown.
  useEffect(() => {
    const title = bar.current?.querySelector('h1')?.textContent ?? ''
    document.title = title === '' ? 'Telltale' : `${title} · Telltale`
  })
  return (
    <header className="top" ref={bar}>
      {children}
      <div className="top__end">
        {actions}
        <span className="not-phone">
          <Clock />
        </span>
        <LiveIndicator />
        <span className="not-phone">
          <ThemeMenu />
        </span>
        <button
          type="button"
          className="btn btn--quiet btn--icon not-phone"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts, ?"
          onClick={() => overlay.show('keys')}
        >
          <CircleQuestionMark className="i" aria-hidden="true" />
        </button>
      </div>
    </header>
  )
}

function Clock() {
  return <ZoneMenu now={useNow()} />
}

function LiveIndicator() {
  const live = useLive()
  const { phase, via, tooMany, newestAt, retryAt } = useLiveState()
  const now = useNow(500)
  const press = () => {
    live.tryNow()
    // On a phone there is no title to read.
    if (phase === 'live' && via === 'poll') notifications.show({ id: 'live-polling', message: pollingWords })
  }
  return (
    <LivePill
      phase={phase}
      polling={via === 'poll'}
      tooMany={tooMany}
      ageMs={newestAt === null ? null : now - newestAt}
      retryInMs={retryAt === null ? null : retryAt - Date.now()}
      onPress={press}
    />
  )
}
