import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, BrowserContext, Page } from 'playwright-core'

export { openBrowser } from '../bench/chromium.ts'

const ARTEFACTS = fileURLToPath(new URL('../../artefacts', import.meta.url))

const themes = ['light', 'dark'] as const
const usualTheme = themes[0]
const sizes = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
] as const
const ABOUT_COLOURS = ['color-contrast', 'link-in-text-block']
const usualSize = sizes[0]

/** Without animations, so that what is measured is what stays. */
export function openContext(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ viewport: usualSize, reducedMotion: 'reduce', colorScheme: 'light' })
}

/** Everything a page complains about: errors, violations of the content security policy, dialogs, a crash. */
export class Complaints {
  readonly #seen: string[] = []

  constructor(page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.#seen.push(`${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => this.#seen.push(`thrown: ${error.stack ?? error}`))
    page.on('crash', () => this.#seen.push('the page crashed'))
    page.on('dialog', (dialog) => {
      this.#seen.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
  }

  /** Those since the last time, without the ones a test has brought about itself. */
  take(expected: RegExp | undefined): string[] {
    return this.#seen.splice(0).filter((complaint) => !expected?.test(complaint))
  }
}

/** What is on each open page, with its address: for a test that has failed. */
export async function describePages(browser: Browser): Promise<string> {
  const pages = browser.contexts().flatMap((context) => context.pages())
  const describe = async (page: Page) => {
    const shown = page.locator('body').ariaSnapshot({ timeout: 5_000 })
    return `at ${page.url()}\n${await shown.catch(String)}`
  }
  return (await Promise.all(pages.map(describe))).join('\n')
}

async function chooseTheme(page: Page, theme: (typeof themes)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.locator(`html[data-theme="${theme}"]`).waitFor()
}

/** What axe finds serious or critical in both themes, one line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems: string[] = []
  for (const theme of themes) {
    await chooseTheme(page, theme)
    // Otherwise it opens a page of its own to put frames together, which takes longer than all the rest.
    const axe = new AxeBuilder({ page }).setLegacyMode(true)
    // The page is the same; only what is about colours can be another matter. Nobody reads what passes.
    const rules = theme === usualTheme ? {} : { runOnly: { type: 'rule' as const, values: ABOUT_COLOURS } }
    const { violations } = await axe.options({ ...rules, resultTypes: ['violations'] }).analyze()
    for (const { id, impact, help, nodes } of violations)
      if (impact === 'serious' || impact === 'critical')
        for (const { html, any } of nodes)
          problems.push(`${theme}: ${id} (${help}): ${html} ${any.map(({ message }) => message).join('; ')}`)
  }
  await chooseTheme(page, 'light')
  return problems
}

/** Sizes at which the page is wider than the window; with TELLTALE_SCREENSHOTS=1 also pictures of all of them. */
export async function widthsThatScroll(page: Page, name: string): Promise<number[]> {
  const tooNarrow: number[] = []
  for (const size of sizes) {
    await page.setViewportSize(size)
    const isWide = 'document.scrollingElement.scrollWidth > document.documentElement.clientWidth'
    // The layout answers to a new size within a frame or two; only one that stays too wide counts.
    const fits = await waitFor('a layout that fits', async () => !(await page.evaluate(isWide)), 2_000).catch(
      () => false,
    )
    if (!fits) tooNarrow.push(size.width)
    if (process.env.TELLTALE_SCREENSHOTS === '1') await takePictures(page, `${name}-${size.width}`)
  }
  await page.setViewportSize(usualSize)
  return tooNarrow
}

async function takePictures(page: Page, name: string): Promise<void> {
  await mkdir(ARTEFACTS, { recursive: true })
  for (const theme of themes) {
    await chooseTheme(page, theme)
    await page.screenshot({ path: join(ARTEFACTS, `${name}-${theme}.png`) })
  }
  await chooseTheme(page, 'light')
}

/** Resolves when the word is on the page, if only for one frame: what lasts a second is not left to polling. */
export function seen(page: Page, word: string): Promise<unknown> {
  return page.evaluate(`new Promise((resolve) => {
    const look = () =>
      document.body.textContent.includes('${word}') ? resolve() : requestAnimationFrame(look)
    look()
  })`)
}

/** The points of a chart's line, in pixels, oldest first. */
export async function linePoints(page: Page, metric: string): Promise<[x: number, y: number][]> {
  const line = page.getByRole('region', { name: metric, exact: true }).locator('path.chart__line')
  if ((await line.count()) === 0) return []
  const path = (await line.getAttribute('d')) ?? ''
  return [...path.matchAll(/[ML]\s*([-\d.]+)[\s,]+([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)])
}
