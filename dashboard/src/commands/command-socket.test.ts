import { expect, it } from 'vitest'
import { pingEveryMs, reconnectDelays } from './command-socket.ts'

it('C-BACK-1 after a fault there is a line within 10 s, however long it was, and not for everybody at once', () => {
  const [soonest, latest] = [reconnectDelays(0), reconnectDelays(1)]
  // An attempt that began before the end may hang; the one after it succeeds.
  expect(latest.connectionTimeout + latest.maxReconnectionDelay).toBeLessThan(8_000)
  expect(2 * pingEveryMs).toBeLessThan(8_500)
  expect(latest.maxReconnectionDelay - soonest.maxReconnectionDelay).toBeGreaterThan(1_000)
  expect(latest.minReconnectionDelay - soonest.minReconnectionDelay).toBeGreaterThan(500)
})
