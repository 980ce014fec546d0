import { Menu } from '@mantine/core'
import { Check, Monitor, Moon, Sun } from 'lucide-react'
import type { AtButtonProps } from './late-menu.tsx'
import { MenuAt } from './menu-at.tsx'
import { type ThemeChoice, themeStore, useThemeChoice } from './theme.ts'

const choices: { choice: ThemeChoice; label: string; Icon: typeof Sun }[] = [
  { choice: 'light', label: 'Light', Icon: Sun },
  { choice: 'dark', label: 'Dark', Icon: Moon },
  { choice: 'system', label: 'As the system', Icon: Monitor },
]

export function ThemeItems(at: AtButtonProps) {
  const chosen = useThemeChoice()
  return (
    <MenuAt {...at} position="bottom-end" width={170}>
      {choices.map(({ choice, label, Icon }) => (
        <Menu.Item
          key={choice}
          leftSection={<Icon className="i" aria-hidden="true" />}
          rightSection={choice === chosen ? <Check className="i i--sm" aria-hidden="true" /> : null}
          onClick={() => themeStore.choose(choice)}
        >
          {label}
        </Menu.Item>
      ))}
    </MenuAt>
  )
}
