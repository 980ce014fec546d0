import { expect, it } from 'vitest'
import { describeTargets, essence } from './bench.ts'
import { rawConnect } from './bytes.ts'

/** MQTT 3.1, which older devices speak: the protocol name MQIsdp, level 3. */
const old = { protocolId: 'MQIsdp', protocolVersion: 3 } as const

describeTargets('MQTT 3.1', (bench) => {
  it('M-OLD-1 a client of MQTT 3.1 is accepted', async () => {
    const client = await bench.open()
    client.send(bench.connectPacket(old), { cmd: 'pingreq' })
    await client.take('pingresp')
    expect(client.bytes).toEqual(Buffer.from([0x20, 2, 0, 0, 0xd0, 0]))
  })

  it.each([0, 1, 2] as const)(
    'M-OLD-2 it publishes and hears messages of QoS %i, retained ones too',
    async (qos) => {
      const client = await bench.connect(old)
      await client.subscribe(bench.topic('a'), qos)
      await client.publish(bench.topic('a'), 'x', { qos, retain: true })
      expect(essence(await client.take('publish'))).toMatchObject({ payload: 'x', qos, retain: false })
      const later = await bench.connect(old)
      await later.subscribe(bench.topic('a'), qos)
      expect(essence(await later.take('publish'))).toMatchObject({ payload: 'x', qos, retain: true })
      await later.publish(bench.topic('a'), '', { qos: 1, retain: true })
    },
  )

  it('M-OLD-3 its will is published, and not after DISCONNECT', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('will'), 1)
    const will = (payload: string) => ({ topic: bench.topic('will'), payload, qos: 1 as const })
    await (await bench.connect({ ...old, will: will('never') })).disconnect()
    const client = await bench.connect({ ...old, will: will('gone') })
    client.drop()
    expect(essence(await watcher.take('publish'))).toMatchObject({ payload: 'gone' })
  })

  it('M-OLD-4 its session is kept, and what it missed comes', async () => {
    const clientId = bench.clientId()
    const client = await bench.connect({ ...old, clientId, clean: false })
    await client.subscribe(bench.topic('a'), 1)
    await client.disconnect()
    await (await bench.connect()).publish(bench.topic('a'), 'missed', { qos: 1 })
    const back = await bench.connect({ ...old, clientId, clean: false })
    expect(essence(await back.take('publish'))).toMatchObject({ payload: 'missed', qos: 1 })
    await (await bench.connect({ ...old, clientId })).disconnect()
  })

  it('M-OLD-5 names and levels of the two versions do not mix', async () => {
    const { username, password } = bench.target.credentials
    for (const [protocolName, level] of [
      ['MQIsdp', 4],
      ['MQTT', 3],
      ['MQIsdp', 2],
    ] as const) {
      const client = await bench.open()
      client.sendBytes(rawConnect({ protocolName, level, fields: [bench.clientId(), username, password] }))
      await client.closed()
      expect([Buffer.alloc(0), Buffer.from([0x20, 2, 0, 1])]).toContainEqual(client.bytes)
    }
  })
})
