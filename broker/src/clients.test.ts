import type { Client } from 'aedes'
import { expect, it } from 'vitest'
import type { Attachment } from './attachment.ts'
import { Clients } from './clients.ts'

/** A connection of the device as the broker knows it; `epoch` is missing until its row is written. */
function connect(clients: Clients, epoch: number | undefined) {
  const closed: string[] = []
  const client = {
    id: 'sensor/x',
    close: (done: () => void) => {
      closed.push('closed')
      done()
    },
  } as unknown as Client
  const session = { deviceId: 'sensor', clientId: 'x', connectedAt: new Date(), ...(epoch && { epoch }) }
  const principal = { kind: 'device', deviceId: 'sensor', credentialHash: Buffer.alloc(32) }
  const attachment = { principal, session } as unknown as Attachment
  clients.add(client, attachment)
  clients.setLive('sensor', client)
  return { closed, session }
}

it('M-CLUSTER-10 of two brokers that hold a device the one with the older session lets go, in whatever order they hear', () => {
  const [here, there] = [new Clients(), new Clients()]
  const older = connect(here, undefined)
  const newer = connect(there, 6)
  // Word of the newer one comes before the older one knows its own epoch.
  expect(here.closeOlder('sensor', 6)).toBeUndefined()
  Object.assign(older.session, { epoch: 5 })
  const answer = there.closeOlder('sensor', 5)
  expect(answer).toBe(6)
  expect(here.closeOlder('sensor', answer ?? 0)).toBeUndefined()
  expect([older.closed, newer.closed]).toEqual([['closed'], []])
  expect(there.closeOlder('sensor', 6)).toBeUndefined()
})
