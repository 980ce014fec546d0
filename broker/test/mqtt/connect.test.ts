import { expect, it } from 'vitest'
import { describeTargets } from './bench.ts'
import { connectFlags, rawConnect, rawPacket } from './bytes.ts'
import { publishPacket } from './raw-client.ts'

const { userName, password, willRetain, willQos, will, cleanSession, reserved } = connectFlags

describeTargets('CONNECT', (bench) => {
  /** What CONNACK says, and nothing behind it before the broker closes. */
  async function refusal(connect: Uint8Array): Promise<Buffer> {
    const client = await bench.open()
    client.sendBytes(connect)
    await client.closed()
    return client.bytes
  }

  function credentials(): [string, string] {
    return [bench.target.credentials.username, bench.target.credentials.password]
  }

  it('M-CONNECT-1 an accepted CONNECT is answered with CONNACK, zero flags and code zero, and nothing else', async () => {
    const client = await bench.open()
    client.send(bench.connectPacket(), { cmd: 'pingreq' })
    await client.take('pingresp')
    expect(client.bytes).toEqual(Buffer.from([0x20, 2, 0, 0, 0xd0, 0]))
  })

  it('M-CONNECT-2 any allowed combination of flags is accepted, with the fields in their order', async () => {
    const retained: number[] = []
    for (const clean of [0, cleanSession])
      for (const willFlags of [0, ...[0, 8, 16].flatMap((qos) => [will | qos, will | qos | willRetain])]) {
        const client = await bench.open()
        const fields = [
          bench.clientId(),
          ...(willFlags ? [bench.topic('will'), 'gone'] : []),
          ...credentials(),
        ]
        client.sendBytes(rawConnect({ flags: userName | password | clean | willFlags, fields }))
        expect(await client.next('connack')).toMatchObject({ returnCode: 0, sessionPresent: false })
        await client.disconnect()
        retained.push(willFlags)
      }
    expect(retained).toHaveLength(14)
  })

  it('M-CONNECT-3 the reserved flag closes the connection without CONNACK', async () => {
    const flags = userName | password | cleanSession | reserved
    expect(await refusal(rawConnect({ flags, fields: [bench.clientId(), ...credentials()] }))).toHaveLength(0)
  })

  it.each([
    ['will QoS 3', will | willQos],
    ['will QoS 3 with retain', will | willQos | willRetain],
  ])('M-CONNECT-4 %s closes the connection without CONNACK', async (_what, willFlags) => {
    const fields = [bench.clientId(), bench.topic('will'), 'gone', ...credentials()]
    const flags = userName | password | cleanSession | willFlags
    expect(await refusal(rawConnect({ flags, fields }))).toHaveLength(0)
  })

  it.each([
    ['will QoS', 8],
    ['will retain', willRetain],
  ])('M-CONNECT-5 %s without a will closes the connection without CONNACK', async (_what, willFlags) => {
    const flags = userName | password | cleanSession | willFlags
    expect(await refusal(rawConnect({ flags, fields: [bench.clientId(), ...credentials()] }))).toHaveLength(0)
  })

  it('M-CONNECT-6 a password without a user name closes the connection without CONNACK', async () => {
    const flags = password | cleanSession
    expect(await refusal(rawConnect({ flags, fields: [bench.clientId(), credentials()[1]] }))).toHaveLength(0)
  })

  it.each([0, 1, 2, 3, 6, 127])(
    'M-CONNECT-7 MQTT of level %i gets return code 1, then the end',
    async (level) => {
      const answer = await refusal(rawConnect({ level, fields: [bench.clientId(), ...credentials()] }))
      expect(answer).toEqual(Buffer.from([0x20, 2, 0, 1]))
    },
  )

  it.each(['', 'MQT', 'MQTTX', 'mqtt', 'MQIsdq', 'HTTP'])(
    'M-CONNECT-8 the protocol name "%s" is not accepted',
    async (protocolName) => {
      const answer = await refusal(rawConnect({ protocolName, fields: [bench.clientId(), ...credentials()] }))
      expect([Buffer.alloc(0), Buffer.from([0x20, 2, 0, 1])]).toContainEqual(answer)
    },
  )

  it('M-CONNECT-9 a second CONNECT closes the connection', async () => {
    const client = await bench.connect()
    client.send(bench.connectPacket())
    expect(await client.closed()).toEqual([])
  })

  it.each([
    ['PUBLISH', rawPacket(0x30, Buffer.from([0, 1, 0x61]))],
    ['SUBSCRIBE', rawPacket(0x82, Buffer.from([0, 1, 0, 1, 0x61, 0]))],
    ['PUBREL', rawPacket(0x62, Buffer.from([0, 1]))],
    ['PINGREQ', rawPacket(0xc0)],
    ['DISCONNECT', rawPacket(0xe0)],
  ])('M-CONNECT-10 %s before CONNECT closes the connection without a word', async (_what, bytes) => {
    expect(await refusal(bytes)).toHaveLength(0)
  })

  it.each(['a', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ'])(
    'M-CONNECT-11 the client id %s is accepted',
    async (clientId) => {
      const client = await bench.connect({ clientId })
      await client.ping()
    },
  )

  it('M-CONNECT-12 clients without an id, with a clean session, get one each and live side by side', async () => {
    const first = await bench.connect({ clientId: '' })
    const second = await bench.connect({ clientId: '' })
    await first.subscribe(bench.topic('both'), 0)
    await second.subscribe(bench.topic('both'), 0)
    await second.publish(bench.topic('both'), 'hello', { qos: 1 })
    expect([
      String((await first.take('publish')).payload),
      String((await second.take('publish')).payload),
    ]).toEqual(['hello', 'hello'])
  })

  it('M-CONNECT-13 no client id and no clean session get return code 2, then the end', async () => {
    const flags = userName | password
    const answer = await refusal(rawConnect({ flags, fields: ['', ...credentials()] }))
    expect(answer).toEqual(Buffer.from([0x20, 2, 0, 2]))
  })

  it('M-CONNECT-14 a wrong, a missing and a binary password are refused with code 4 or 5, then the end', async () => {
    const fields = [bench.clientId(), credentials()[0]]
    const answers = [
      await refusal(rawConnect({ fields: [...fields, 'wrong'] })),
      await refusal(rawConnect({ flags: userName | cleanSession, fields })),
      await refusal(rawConnect({ flags: cleanSession, fields: fields.slice(0, 1) })),
      await refusal(rawConnect({ fields: [...fields, Buffer.from([0, 0xff, 0x80])] })),
    ]
    const allowed = [4, 5].map((code) => Buffer.from([0x20, 2, 0, code]))
    for (const answer of answers) expect(allowed).toContainEqual(answer)
  })

  it('M-CONNECT-15 what comes behind a refused CONNECT is not processed', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('behind'), 1)
    const refused = await bench.open()
    refused.send(
      bench.connectPacket({ password: Buffer.from('wrong') }),
      publishPacket(bench.topic('behind'), 'must not be seen', { qos: 1 }),
      { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: bench.topic('behind'), qos: 0 }] },
    )
    expect(await refused.closed()).toMatchObject([{ cmd: 'connack', sessionPresent: false }])
    const publisher = await bench.connect()
    expect(await bench.delivered(watcher, publisher)).toEqual([])
  })

  it('M-CONNECT-16 what comes behind an accepted CONNECT in the same chunk is answered after CONNACK', async () => {
    const client = await bench.open()
    client.send(
      bench.connectPacket(),
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: bench.topic('self'), qos: 0 }] },
      publishPacket(bench.topic('self'), 'hello'),
    )
    await client.next('connack')
    // The standard lets a message overtake the SUBACK of its subscription.
    expect(String((await client.take('publish')).payload)).toBe('hello')
    await client.take('suback')
  })

  it('M-CONNECT-17 a CONNECT that comes byte by byte is accepted', async () => {
    const client = await bench.open()
    for (const byte of rawConnect({ fields: [bench.clientId(), ...credentials()] }))
      client.sendBytes(Buffer.from([byte]))
    expect(await client.next('connack')).toMatchObject({ returnCode: 0 })
  })

  it('M-CONNECT-18 a second client with the same id takes over: the first is closed, the second works', async () => {
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId })
    const second = await bench.connect({ clientId })
    expect(await first.closed()).toEqual([])
    await second.ping()
  })

  bench.itUnless('mosquitto', 'it speaks MQTT 5 as well')(
    'M-CONNECT-19 MQTT 5 gets CONNACK with reason 0x84, unsupported protocol version, then the end',
    async () => {
      const client = await bench.open()
      client.send(bench.connectPacket({ protocolVersion: 5 }))
      await client.closed()
      expect(client.bytes).toEqual(Buffer.from([0x20, 3, 0, 0x84, 0]))
    },
  )

  it.each([
    [
      'without a client id',
      (_id: string) => rawPacket(0x10, Buffer.from('\0\x04MQTT\x04\x02\0\x3c', 'latin1')),
    ],
    ['cut off in its header', (_id: string) => rawPacket(0x10, Buffer.from('\0\x04MQTT', 'latin1'))],
    [
      'with a password announced and missing',
      (id: string) => rawConnect({ fields: [id, bench.target.credentials.username] }),
    ],
    [
      'with a will announced and missing',
      (id: string) => rawConnect({ flags: cleanSession | will, fields: [id] }),
    ],
    [
      'with bytes behind its last field',
      (id: string) => rawConnect({ fields: [id, ...credentials(), 'more'] }),
    ],
  ])('M-CONNECT-20 a CONNECT %s closes the connection without CONNACK', async (_what, make) => {
    expect(await refusal(make(bench.clientId()))).toHaveLength(0)
  })

  it('M-CONNECT-21 what comes behind DISCONNECT is not processed', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('behind'), 1)
    const client = await bench.connect()
    client.send({ cmd: 'disconnect' }, publishPacket(bench.topic('behind'), 'too late', { qos: 1 }))
    expect(await client.closed()).toEqual([])
    expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
  })
})
