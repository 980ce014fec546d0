import { filters, parseTopic, topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Locator, Page } from 'playwright-core'

/** A board in the browser, as somebody who looks at it or composes it. */
export class BoardPage {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  async addPanel(kind: string, fill: (dialog: Locator) => Promise<void>): Promise<void> {
    await this.#page.getByRole('button', { name: 'Add panel' }).click()
    const dialog = this.#page.getByRole('dialog', { name: 'Add a panel' })
    await dialog.getByText(kind, { exact: true }).click()
    await fill(dialog)
    await dialog.getByRole('button', { name: 'Add to the board' }).click()
    await dialog.waitFor({ state: 'detached' })
  }

  async chooseDevice(dialog: Locator): Promise<void> {
    await dialog.getByRole('combobox', { name: 'Device' }).fill('room')
    await this.#page.getByRole('option', { name: /room-1/ }).click()
  }

  /** While it is edited. */
  slot(name: string): Locator {
    return this.#page.getByRole('article', { name: new RegExp(`^${name}, place`) })
  }

  panel(name: string): Locator {
    return this.#page.getByRole('region', { name, exact: true })
  }

  /** The names of the panels in their order, while they are edited. */
  async places(): Promise<string[]> {
    const slots = await this.#page.getByRole('article').all()
    const labels = await Promise.all(slots.map((slot) => slot.getAttribute('aria-label')))
    return labels.map((label) => label?.replace(/, place \d+ of \d+$/, '') ?? '')
  }

  /** What a screen reader is told while a panel is carried. */
  said(words: string): Promise<void> {
    return this.#page
      .locator('[id^="DndLiveRegion"]')
      .getByText(words, { exact: true })
      .waitFor({ state: 'attached' })
  }

  /** Said, and ready for an arrow: the places are measured in the frame after the word, no hand is as quick. */
  async lifted(words: string): Promise<void> {
    await this.said(words)
    await this.#page.evaluate(
      'new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(ready))))',
    )
  }
}

interface RoomOptions {
  broker: string
  releases: Releases
  id: string
  secret: string
}

/** A device that does what it is told, and says that it has. */
export class Room {
  readonly received: { name: string; params: unknown }[] = []
  readonly #client: MqttClient
  readonly #id: string

  private constructor(client: MqttClient, id: string) {
    this.#client = client
    this.#id = id
    client.on('message', (topic, payload) => {
      const parsed = parseTopic(topic)
      if (parsed.kind !== 'command') return
      const { name, params } = JSON.parse(payload.toString()) as { name: string; params: unknown }
      this.received.push({ name, params })
      client.publish(topics.reply(id, parsed.commandId), '{"status":"succeeded"}', { qos: 1 })
    })
  }

  static async connect({ broker, releases, id, secret }: RoomOptions): Promise<Room> {
    const client = await connectAsync(broker, {
      ...{ clientId: id, username: id, password: secret, reconnectPeriod: 0 },
    })
    releases.add(id, () => client.endAsync(true))
    const room = new Room(client, id)
    await client.subscribeAsync(filters.commands(id), { qos: 1 })
    return room
  }

  async say(values: Record<string, unknown>): Promise<void> {
    await this.#client.publishAsync(topics.telemetry(this.#id), JSON.stringify(values), { qos: 1 })
  }
}
