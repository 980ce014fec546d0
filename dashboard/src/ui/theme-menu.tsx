import { Menu } from '@mantine/core'
import { Check, Monitor, Moon, Sun } from 'lucide-react'
import { type ThemeChoice, themeStore, useResolvedTheme, useThemeChoice } from './theme.ts'

const choices: { choice: ThemeChoice; label: string; Icon: typeof Sun }[] = [
  { choice: 'light', label: 'Light', Icon: Sun },
  { choice: 'dark', label: 'Dark', Icon: Moon },
  { choice: 'system', label: 'As the system', Icon: Monitor },
]

export function ThemeMenu() {
  const chosen = useThemeChoice()
  const Icon = useResolvedTheme() === 'dark' ? Moon : Sun
  return (
    <Menu position="bottom-end" width={170}>
      <Menu.Target>
        <button type="button" className="btn btn--quiet btn--icon" aria-label="Theme">
          <Icon className="i" aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ choice, label, Icon: ChoiceIcon }) => (
          <Menu.Item
            key={choice}
            leftSection={<ChoiceIcon className="i" aria-hidden="true" />}
            rightSection={choice === chosen ? <Check className="i i--sm" aria-hidden="true" /> : null}
            onClick={() => themeStore.choose(choice)}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
