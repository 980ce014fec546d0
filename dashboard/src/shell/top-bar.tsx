import { notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'
import { LivePill } from '../ui/live-pill.tsx'
import { ThemeMenu } from '../ui/theme-menu.tsx'
import { useLive, useLiveState, useNow } from '../use-live.ts'

const pollingWords =
  'Something between you and the server holds back the stream, so values are asked for. The stream is tried again.'

type TopBarProps = { children: ReactNode; actions?: ReactNode }

export function TopBar({ children, actions }: TopBarProps) {
  return (
    <header className="top">
      {children}
      <div className="top__end">
        {actions}
        <LiveIndicator />
        <span className="not-phone">
          <ThemeMenu />
        </span>
      </div>
    </header>
  )
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
