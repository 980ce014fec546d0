import { Releases } from '@telltale/infra/service'
import { startTestApi } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker } from '@telltale/infra/testing/broker'
import { startCuttingProxy } from '@telltale/infra/testing/cutting-proxy'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, describe, expect, it, onTestFailed } from 'vitest'
import { openBrowser } from './browser.ts'
import { differences, storedReadings } from './followers.ts'
import { LivePage } from './live-page.ts'
import { startPublisher } from './publisher.ts'
import { trySignIn } from './session.ts'

const ADMIN_PASSWORD = 'two doors, one window'
const SEED = 3
const SWITCHES = 3
/** Promise T: recovered within this after a fault's end. */
const RECOVERY_MS = 10_000

const releases = new Releases()
afterAll(() => releases.run())

describe.skipIf(toolMissing('chromium'))('the page behind two APIs', () => {
  it('L-TWO-6 between two APIs that take turns, what the charts of all tabs show equals the database', async () => {
    console.log(`the page behind two APIs: seed ${SEED}`)
    const numbers = random(SEED)
    const database = await createTestDatabase()
    releases.add('database', () => database.drop())
    const broker = await startTestBroker(database.url)
    releases.add('broker', () => broker.program.stop())
    const env = { TELLTALE_ADMIN_PASSWORD: ADMIN_PASSWORD }
    const start = () => startTestApi(database, broker, env)
    const apis = await Promise.all([start(), start()])
    for (const { program } of apis) releases.add('api', () => program.stop())
    onTestFailed(() => {
      for (const { program } of apis) console.error(program.output())
    })
    const door = await startCuttingProxy({ seed: SEED, targets: apis.map(({ port }) => port) })
    releases.add('door', () => door.close())
    const origin = `http://127.0.0.1:${door.port}`
    const signedIn = await trySignIn(origin, { username: 'admin', password: ADMIN_PASSWORD })
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''

    const fromMs = Date.now() - 600_000
    const device = startPublisher(broker.url, await registerDevice(database.pool, 'shown'), fromMs)
    releases.add('device', () => device.stop())
    for (let i = 0; i < SWITCHES; i++) await registerDevice(database.pool, `other-${i}`)
    const browser = await openBrowser()
    releases.add('browser', () => browser.close())
    const following = { origin, headers: { cookie }, deviceId: 'shown', fromMs }
    const tabs = await LivePage.openTabs(browser, following, 2)
    /** Until each shows what came after this moment. */
    const allLive = async () => {
      const sinceMs = Date.now()
      for (const tab of tabs)
        await waitFor('a tab to be live', async () => (await tab.newestMs()) > sinceMs, RECOVERY_MS)
    }
    for (let i = 0; i < SWITCHES; i++) {
      await allLive()
      // What it asks to change the stream may arrive at the other API, which does not have the stream.
      await tabs[i % tabs.length]?.watch(`other-${i}`)
      door.cut(numbers() < 0.5 ? 'fin' : 'reset')
    }
    await allLive()
    await apis[0]?.program.kill()
    await allLive()
    await device.finish()
    const stored = await storedReadings(database.pool, following)
    expect([...stored.keys()].toSorted()).toEqual([...device.acknowledged].toSorted())
    for (const tab of tabs) {
      const isSame = async () => differences(await tab.known(), stored).length === 0
      await waitFor('the chart to be whole', isSame, RECOVERY_MS).catch(() => {})
      expect(differences(await tab.known(), stored)).toEqual([])
      expect(await tab.doubled()).toEqual([])
    }
  }, 90_000)
})
