import type { ReactNode } from 'react'
import { LivePill } from '../ui/live-pill.tsx'
import { ThemeMenu } from '../ui/theme-menu.tsx'
import { useLive, useLiveState, useNow } from '../use-live.ts'

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
  const { phase, newestAt, retryAt } = useLiveState()
  const now = useNow(500)
  return (
    <LivePill
      phase={phase}
      ageMs={newestAt === null ? null : now - newestAt}
      retryInMs={retryAt === null ? null : retryAt - Date.now()}
      onPress={() => live.reconnectNow()}
    />
  )
}
