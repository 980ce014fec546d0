import type { Duplex } from 'node:stream'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { Aedes, type Client } from 'aedes'
import { generate, type Packet, parser } from 'mqtt-packet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testLimits, unlimited } from '../../test/guarded.ts'
import { startTransports, type Transport } from '../../test/transports.ts'
import type { Allowance, GateFault } from './gate.ts'
import { Gates } from './gates.ts'

let transports: Transport[]
let gates: Gates
let aedes: Aedes

beforeAll(async () => {
  transports = await startTransports()
  gates = new Gates(testLimits({ burstSeconds: 1, packetsPerReadMax: 50 }))
  aedes = new Aedes({
    authenticate: (_client, _username, _password, done) => void setTimeout(() => done(null, true), 20),
    authorizePublish: (_client, _packet, callback) => void setTimeout(callback, 2),
  })
  await aedes.listen()
})
afterAll(async () => {
  await new Promise<void>((resolve) => aedes.close(resolve))
  gates.stop()
  await Promise.all(transports.map(({ close }) => close()))
})

/** As the broker does it. */
function handle(server: Duplex, allowance: Allowance): GateFault[] {
  const faults: GateFault[] = []
  const gate = gates.guard(server, { onFault: (fault) => faults.push(fault), onSlowed: () => {} })
  const opened = (_packet: unknown, client: Client) => {
    if (client.conn !== server) return
    gate.open(allowance)
    aedes.off('connackSent', opened)
  }
  aedes.on('connackSent', opened)
  aedes.handle(server)
  return faults
}

it('M-GATE-22 aedes answers every packet behind a gate, sent before CONNACK or after, slowed or not', async () => {
  const next = random(22)
  for (const transport of transports)
    for (const allowance of [unlimited, { ...unlimited, messagesPerSecond: 400 }]) {
      const { client, server } = await transport.open()
      const faults = handle(server, allowance)
      const answers: Packet[] = []
      const incoming = parser()
      incoming.on('packet', (packet) => answers.push(packet))
      client.on('data', (chunk) => incoming.parse(chunk))
      const ids = Array.from({ length: 600 }, (_, i) => i + 1)
      const packets = ids.map((messageId) =>
        generate({ cmd: 'publish', topic: 'a', payload: '1', qos: 1, messageId, dup: false, retain: false }),
      )
      const bytes = Buffer.concat([
        generate({ cmd: 'connect', clientId: `id-${next()}`, clean: true, keepalive: 10 }),
        ...packets,
        Buffer.from([0xc0, 0]),
      ])
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + Math.floor(next() * 2_000)
        client.write(bytes.subarray(at, at + size))
        at += size
      }
      await waitFor(`the last answer, ${transport.name}`, () => answers.length === 602 || faults.length > 0)
      expect(faults).toEqual([])
      expect(answers[0]?.cmd).toBe('connack')
      const acknowledged = answers.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId] : []))
      expect(acknowledged.sort((a, b) => Number(a) - Number(b))).toEqual(ids)
      client.destroy()
    }
  await waitFor('all gates', () => gates.size === 0)
  expect(gates.heldBytes).toBe(0)
})
