import { random } from '@telltale/infra/testing/random'
import { expect, it } from 'vitest'
import { describeTargets, essence } from './bench.ts'
import { field, illFormedUtf8, rawConnect, rawPacket, remainingLength, uint16 } from './bytes.ts'
import { publishPacket } from './raw-client.ts'

const FILTER_QOS_0 = Buffer.from([0])
const id = uint16(1)

describeTargets('packets', (bench) => {
  /** Connects, sends these bytes, and expects to be closed without an answer. */
  async function expectClosed(bytes: Uint8Array): Promise<void> {
    const client = await bench.connect()
    client.sendBytes(bytes)
    expect(await client.closed()).toEqual([])
  }

  it.each([
    ['PUBREL, bits 0', 0x60, [id]],
    ['PUBREL, bits 3', 0x63, [id]],
    ['SUBSCRIBE, bits 0', 0x80, [id, field('a'), FILTER_QOS_0]],
    ['SUBSCRIBE, bits 3', 0x83, [id, field('a'), FILTER_QOS_0]],
    ['SUBSCRIBE, bits 10', 0x8a, [id, field('a'), FILTER_QOS_0]],
    ['UNSUBSCRIBE, bits 0', 0xa0, [id, field('a')]],
    ['UNSUBSCRIBE, bits 6', 0xa6, [id, field('a')]],
    ['DISCONNECT, bits 1', 0xe1, []],
    ['DISCONNECT, bits 8', 0xe8, []],
  ] as const)('M-PACKET-1 wrong reserved bits close the connection: %s', async (_what, firstByte, body) => {
    await expectClosed(rawPacket(firstByte, ...body))
  })

  bench.itUnless('mosquitto', 'it does not look at the reserved bits of these')(
    'M-PACKET-1 wrong reserved bits of acknowledgements and PINGREQ close the connection',
    async () => {
      for (const firstByte of [0x41, 0x52, 0x78]) await expectClosed(rawPacket(firstByte, id))
      await expectClosed(rawPacket(0xc1))
    },
  )

  it('M-PACKET-1 wrong reserved bits of CONNECT close the connection', async () => {
    const client = await bench.open()
    const { username, password } = bench.target.credentials
    const connect = rawConnect({ fields: [bench.clientId(), username, password] })
    connect[0] = 0x11
    client.sendBytes(connect)
    expect(await client.closed()).toEqual([])
  })

  it.each([
    ['type 0', 0x00, []],
    ['type 15', 0xf0, []],
    ['CONNACK', 0x20, [Buffer.from([0, 0])]],
  ] as const)('M-PACKET-2 %s from a client closes the connection', async (_what, firstByte, body) => {
    await expectClosed(rawPacket(firstByte, ...body))
  })

  bench.itUnless('mosquitto', 'it takes the packets it sends to other brokers from clients as well')(
    'M-PACKET-2 SUBACK, UNSUBACK and PINGRESP from a client close the connection',
    async () => {
      await expectClosed(rawPacket(0x90, id, Buffer.from([0])))
      await expectClosed(rawPacket(0xb0, id))
      await expectClosed(rawPacket(0xd0))
    },
  )

  it.each([
    ['PUBLISH of QoS 1', 0x32, [field('a'), uint16(0)]],
    ['PUBLISH of QoS 2', 0x34, [field('a'), uint16(0)]],
    ['SUBSCRIBE', 0x82, [uint16(0), field('a'), FILTER_QOS_0]],
    ['UNSUBSCRIBE', 0xa2, [uint16(0), field('a')]],
  ] as const)('M-PACKET-3 %s with packet id 0 closes the connection', async (_what, firstByte, body) => {
    await expectClosed(rawPacket(firstByte, ...body))
  })

  it('M-PACKET-4 a remaining length of more than four bytes closes the connection', async () => {
    await expectClosed(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]))
  })

  it.each([
    ['a topic longer than the packet', 0x30, [uint16(10), Buffer.from('short')]],
    ['a PUBLISH that ends in its packet id', 0x32, [field('a'), Buffer.from([0])]],
    ['a filter longer than the packet', 0x82, [id, uint16(10), Buffer.from('short')]],
    ['a filter without a QoS', 0x82, [id, field('a')]],
    ['a filter to unsubscribe longer than the packet', 0xa2, [id, uint16(10), Buffer.from('short')]],
    ['a PUBREL that ends in its packet id', 0x62, [Buffer.from([0])]],
  ] as const)('M-PACKET-5 %s closes the connection', async (_what, firstByte, body) => {
    await expectClosed(rawPacket(firstByte, ...body))
  })

  it('M-PACKET-6 payloads around every step of the remaining length arrive as they were sent', async () => {
    const next = random(311)
    const client = await bench.connect()
    const topic = bench.topic('sizes')
    await client.subscribe(topic, 1)
    // 127 and 128, 16,383 and 16,384 are the steps; the topic and its length count as well.
    const steps = [0, 1, 127, 128, 16_383, 16_384].map((length) => Math.max(0, length - topic.length - 2))
    for (const length of [0, ...steps, 65_536]) {
      const payload = Buffer.from(Array.from({ length }, () => Math.floor(next() * 256)))
      await client.publish(topic, payload)
      const { payload: arrived } = await client.take('publish')
      expect(Buffer.compare(Buffer.from(arrived), payload), `${length} bytes, seed 311`).toBe(0)
    }
    expect([127, 128, 16_383, 16_384].map((length) => remainingLength(length).length)).toEqual([1, 2, 2, 3])
  })

  it('M-PACKET-7 a stream cut anywhere is read as one', async () => {
    const client = await bench.connect()
    const topic = bench.topic('cut')
    await client.subscribe(topic, 0)
    const whole = rawPacket(0x30, field(topic), Buffer.from('payload'))
    for (let at = 1; at < whole.length; at++) {
      client.sendBytes(whole.subarray(0, at))
      client.sendBytes(whole.subarray(at))
    }
    for (let at = 1; at < whole.length; at++)
      expect(String((await client.next('publish')).payload)).toBe('payload')
  })

  it('M-PACKET-8 many packets in one chunk are all answered, in order', async () => {
    const client = await bench.connect()
    const ids = Array.from({ length: 50 }, (_, i) => i + 1)
    client.send(...ids.map((messageId) => publishPacket(bench.topic('many'), 'x', { qos: 1, messageId })), {
      cmd: 'pingreq',
    })
    for (const messageId of ids) expect(await client.take('puback')).toMatchObject({ messageId })
    await client.take('pingresp')
  })

  it('M-PACKET-9 PINGREQ is answered with PINGRESP', async () => {
    const client = await bench.connect()
    const before = client.bytes.length
    await client.ping()
    expect(client.bytes.subarray(before)).toEqual(Buffer.from([0xd0, 0]))
  })
})

describeTargets('UTF-8', (bench) => {
  const texts: [what: string, bytes: Buffer][] = [...illFormedUtf8, ['U+0000', Buffer.from('a\0b')]]

  it.each(texts)(
    'M-UTF-1 a topic with %s closes the connection and reaches nobody',
    async (_fault, bytes) => {
      const watcher = await bench.connect()
      await watcher.subscribe(bench.topic('#'), 0)
      const client = await bench.connect()
      client.sendBytes(
        rawPacket(0x30, field(Buffer.concat([Buffer.from(bench.topic('')), bytes])), Buffer.from('x')),
      )
      expect(await client.closed()).toEqual([])
      expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
    },
  )

  it.each(texts)('M-UTF-2 a filter with %s closes the connection', async (_fault, bytes) => {
    for (const [firstByte, ...rest] of [[0x82, FILTER_QOS_0], [0xa2]] as const) {
      const client = await bench.connect()
      client.sendBytes(rawPacket(firstByte, id, field(Buffer.concat([Buffer.from('a/'), bytes])), ...rest))
      expect(await client.closed()).toEqual([])
    }
  })

  it.each(texts)('M-UTF-3 a CONNECT with %s in a text closes the connection', async (_fault, bytes) => {
    const { username, password } = bench.target.credentials
    const withWill = 0x80 | 0x40 | 0x04 | 0x02
    const connects = [
      rawConnect({ fields: [bytes, username, password] }),
      rawConnect({ fields: [bench.clientId(), bytes, password] }),
      rawConnect({ flags: withWill, fields: [bench.clientId(), bytes, 'gone', username, password] }),
    ]
    for (const connect of connects) {
      const client = await bench.open()
      client.sendBytes(connect)
      expect(await client.closed()).toEqual([])
    }
  })

  it('M-UTF-4 U+FEFF is a character like others: it is neither skipped nor stripped', async () => {
    const client = await bench.connect()
    const [plain, marked] = [bench.topic('bom'), bench.topic('\ufeffbom')]
    await client.subscribe(marked, 0)
    await client.publish(plain, 'without', { qos: 0 })
    await client.publish(marked, 'with', { qos: 0 })
    expect(essence(await client.next('publish'))).toMatchObject({ topic: marked, payload: 'with' })
  })

  it.each(['ä', 'ß–€', '日本語', '𝄞🙂', 'e\u0301', ' ', 'a b'])(
    'M-UTF-5 the topic level "%s" comes back as it was sent',
    async (level) => {
      const client = await bench.connect()
      await client.subscribe(bench.topic(level), 0)
      await client.publish(bench.topic(level), level)
      expect(essence(await client.next('publish'))).toMatchObject({
        topic: bench.topic(level),
        payload: level,
      })
    },
  )
})
