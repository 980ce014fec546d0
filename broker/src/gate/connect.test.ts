import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { type Connect, readConnect } from './connect.ts'

/** Header and one byte of length. */
const HEADER_BYTES = 3

describe('CONNECT', () => {
  it('M-GATE-23 of MQTT 5 the names are read, for the diagnostics of that device', () => {
    const packet = generate(
      {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 5,
        clientId: 'esp32',
        clean: true,
        keepalive: 30,
        username: 'kitchen',
        password: Buffer.from('secret'),
        properties: { sessionExpiryInterval: 60, userProperties: { long: 'x'.repeat(200) } },
        will: {
          topic: 'a',
          payload: Buffer.from('b'),
          qos: 1,
          retain: false,
          properties: { willDelayInterval: 5 },
        },
      },
      { protocolVersion: 5 },
    )
    const connect: Connect = { keepaliveS: 0 }
    expect(() => readConnect(packet.subarray(HEADER_BYTES), connect, 10)).toThrow(/MQTT 5/)
    expect(connect).toMatchObject({ clientId: 'esp32', username: 'kitchen' })
  })

  it('M-GATE-23 one that is faulty as well is refused as MQTT 5 all the same', () => {
    const connect: Connect = { keepaliveS: 0 }
    const body = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 0xff, 0, 60, 0xff, 0xff, 0xff, 0xff, 0xff])
    expect(() => readConnect(body, connect, 10)).toThrow(/MQTT 5/)
    expect(connect.username).toBeUndefined()
  })
})
