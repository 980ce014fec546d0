/** A person without a mouse: walks by Tab and looks where the focus is after every step. */
import { waitFor } from '@telltale/infra/testing/wait'
import type { Locator, Page } from 'playwright-core'

const STEPS_MAX = 120
const FOCUS_DEADLINE_MS = 2_000

/** What shows that an element has the focus may be drawn on it or on what is around it. */
const LOOK = `(() => {
  const LEVELS = 3
  const styleOf = (element) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } =
      getComputedStyle(element)
    return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor].join('|')
  }
  const around = (element) => {
    const chain = []
    for (let one = element; one !== document.body && one && chain.length < LEVELS; one = one.parentElement)
      chain.push(one)
    return chain
  }
  const look = (element) => around(element).map(styleOf).join('\\n')
  const nameOf = (element) =>
    element.tagName.toLowerCase() + ' ' + (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)
  const focused = document.activeElement
  const last = globalThis.lastFocused
  const unseen = last && last.element.isConnected && last.element !== focused && look(last.element) === last.look
    ? nameOf(last.element) : null
  globalThis.lastFocused = focused === document.body ? null : { element: focused, look: look(focused) }
  return { isLost: focused === document.body, unseen }
})()`

interface Looked {
  isLost: boolean
  /** What had the focus before, and looks the same without it. */
  unseen: string | null
}

export class Keyboard {
  readonly #page: Page
  /** Elements whose focus nobody could see, and moments when it was nowhere. */
  readonly faults: string[] = []

  constructor(page: Page) {
    this.#page = page
  }

  /** Tab, until the focus is on it. */
  async walkTo(target: Locator): Promise<void> {
    for (let step = 0; step < STEPS_MAX; step++) {
      if (await this.isOn(target)) return
      await this.#page.keyboard.press('Tab')
      await this.#look()
    }
    throw new Error(`after ${STEPS_MAX} times Tab the focus is not on ${target}`)
  }

  async press(target: Locator, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
    await this.walkTo(target)
    await this.#page.keyboard.press(key)
  }

  /** What was pressed has brought about something: whoever had the focus must not have taken it along. */
  async expectFocus(what: string): Promise<void> {
    const has = () => this.#page.evaluate<boolean>('document.activeElement !== document.body')
    await waitFor('the focus', has, FOCUS_DEADLINE_MS).catch(() => this.#fault(`the focus is lost ${what}`))
  }

  async type(target: Locator, text: string): Promise<void> {
    await this.walkTo(target)
    await this.#page.keyboard.press('ControlOrMeta+a')
    await this.#page.keyboard.type(text)
  }

  async isOn(target: Locator): Promise<boolean> {
    return (await target.and(this.#page.locator(':focus')).count()) > 0
  }

  async #look(): Promise<void> {
    const { isLost, unseen }: Looked = await this.#page.evaluate(LOOK)
    if (unseen !== null) this.#fault(`nobody sees that it has the focus: ${unseen}`)
    // Behind the last element Tab leaves the page once, and comes in again at the first.
    if (isLost) await this.#page.keyboard.press('Tab')
  }

  #fault(what: string): void {
    if (!this.faults.includes(what)) this.faults.push(what)
  }
}
