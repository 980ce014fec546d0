import { Moon, Sun } from 'lucide-react'
import { LateMenu } from './late-menu.tsx'
import { useResolvedTheme } from './theme.ts'

const load = () => import('./theme-items.tsx').then(({ ThemeItems }) => ThemeItems)

export function ThemeMenu() {
  const Icon = useResolvedTheme() === 'dark' ? Moon : Sun
  return (
    <LateMenu load={load} give={{}} className="btn btn--quiet btn--icon" aria-label="Theme">
      <Icon className="i" aria-hidden="true" />
    </LateMenu>
  )
}
