import { limits } from '@telltale/infra/limits'
import { registerDevice } from '@telltale/infra/testing/broker'
import { describeEngines } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { FaultWorld } from './fault-world.ts'
import { SpoolWatch } from './spool-watch.ts'

/** Enough that one lost of ten thousand is seen. */
const MESSAGES = 6_250
const READINGS = 8
/** Of each answer, so that the way back takes seconds on any machine. */
const LATE_MS = 50
const LIVE = 5

describeEngines('a long outage', (testEngine) => {
  let world: FaultWorld
  let watch: SpoolWatch
  const clients = new TestClients(() => world.broker.url)
  beforeAll(async () => {
    world = await FaultWorld.open({ database: await testEngine.createDatabase() })
    watch = await SpoolWatch.start(world.broker)
  })
  beforeEach(() => world.tellWhy())
  afterAll(async () => {
    await clients.end()
    await watch?.end()
    await world?.close()
  })

  it('R-DB-17 while 50,000 readings come back from the spool, live ones go straight to the database', async () => {
    const { database, load, proxy } = world
    const bulk = await clients.attach(await registerDevice(database.pool, 'bulk'))
    const live = await clients.attach(await registerDevice(database.pool, 'live'))
    proxy.refuse()
    const startMs = Date.now() - MESSAGES * READINGS
    let acknowledged = 0
    for (let message = 0; message < MESSAGES; message++) {
      const numbers = Array.from({ length: READINGS }, (_, i) => message * READINGS + i)
      const payload = JSON.stringify(numbers.map((n) => ({ ts: startMs + n, values: { n } })))
      bulk.publish(topics.telemetry('bulk'), payload, { qos: 1 }, (error) => {
        if (!error) acknowledged++
      })
    }
    await waitFor('every PUBACK', () => acknowledged === MESSAGES, 20_000)
    proxy.pass()
    proxy.slow(LATE_MS)
    await watch.said('replay', ({ state }) => state === 'replaying')
    load.takeSlowestMs()
    await load.goesOn(5)
    const baseline = watch.said('its next word', () => true)
    let said = 0
    await waitFor('live ones to be stored', async () => {
      const say = () => live.publishAsync(topics.telemetry('live'), `{"n":${said++}}`, { qos: 1 })
      await Promise.all(Array.from({ length: LIVE }, say))
      return ((await storedValues(database.pool, 'live')).n?.length ?? 0) >= LIVE
    })
    const { n: back } = await storedValues(database.pool, 'bulk')
    expect(back?.length ?? 0, 'others are still on their way back').toBeLessThan(MESSAGES * READINGS)
    const first = await baseline
    proxy.pass()
    const last = await watch.said('an empty spool', ({ state }) => state === 'empty')
    // What the database takes longer for, on a machine that is slow, goes to disk by right.
    if (load.takeSlowestMs() < limits.spool.engageAfterMs)
      expect(last.spool.spooledTotal, 'nothing more went there').toBe(first.spool.spooledTotal)
    expect(await load.faults()).toEqual([])
    const { n } = await storedValues(database.pool, 'bulk')
    expect(n).toEqual(Array.from({ length: MESSAGES * READINGS }, (_, i) => i))
  })
})
