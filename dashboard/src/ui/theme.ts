import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'
import { useSyncExternalStore } from 'react'

export type ThemeChoice = 'light' | 'dark' | 'system'

/** Also read by public/theme.js before the first paint. */
const storageKey = 'telltale-theme'
const darkQuery = '(prefers-color-scheme: dark)'

class ThemeStore {
  private readonly listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    const media = window.matchMedia(darkQuery)
    media.addEventListener('change', this.apply)
    return () => {
      this.listeners.delete(listener)
      media.removeEventListener('change', this.apply)
    }
  }

  readonly choice = (): ThemeChoice => {
    const stored = this.read()
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  }

  readonly resolved = (): 'light' | 'dark' => {
    const choice = this.choice()
    if (choice !== 'system') return choice
    return window.matchMedia(darkQuery).matches ? 'dark' : 'light'
  }

  choose(choice: ThemeChoice): void {
    try {
      localStorage.setItem(storageKey, choice)
    } catch {
      // Blocked storage: the choice then lasts as long as the page does not reload, which is all we can do.
    }
    this.apply()
  }

  private readonly apply = (): void => {
    document.documentElement.dataset.theme = this.resolved()
    const surface = getComputedStyle(document.documentElement).getPropertyValue('--surface')
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', surface)
    for (const listener of this.listeners) listener()
  }

  private read(): string | null {
    try {
      return localStorage.getItem(storageKey)
    } catch {
      return null
    }
  }
}

export const themeStore = new ThemeStore()

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(themeStore.subscribe, themeStore.choice)
}

export function useResolvedTheme(): 'light' | 'dark' {
  return useSyncExternalStore(themeStore.subscribe, themeStore.resolved)
}

function ramp(name: string): MantineColorsTuple {
  return Array.from({ length: 10 }, (_, step) => `var(--tt-${name}-${step})`) as unknown as MantineColorsTuple
}

export const mantineTheme = createTheme({
  colors: { accent: ramp('accent'), gray: ramp('gray'), dark: ramp('dark') },
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 5 },
  fontFamily: 'var(--font-sans)',
  fontFamilyMonospace: 'var(--font-mono)',
  defaultRadius: 'var(--r-2)',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Its cross would have no name otherwise.
  components: { Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } } },
})

/** Mantine's own roles follow ours, so its parts sit on the same planes in both themes. */
export const mantineVariables: CSSVariablesResolver = () => {
  const roles = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--ink-3)',
    '--mantine-color-placeholder': 'var(--ink-3)',
    '--mantine-color-error': 'var(--bad-ink)',
    '--mantine-color-default-border': 'var(--edge)',
  }
  return { variables: {}, light: roles, dark: roles }
}
