import { expect, it } from 'vitest'
import { describeTargets, payloads } from './bench.ts'
import { publishPacket } from './raw-client.ts'

/** Section 4.7 of MQTT 3.1.1 and its examples: each filter with the topics of the list below that it matches. */
const topics = [
  'sport',
  'sport/',
  '/sport',
  'sport/tennis',
  'sport/tennis/player1',
  'sport/tennis/player1/',
  'sport/tennis/player1/ranking',
  'sport/tennis/player1/score/wimbledon',
  'sport/tennis/player2',
  'sport/tennis/player10',
  'Sport/tennis/player1',
  'sport//tennis',
  '/finance',
  'finance',
  '/',
  '//',
  'Accounts payable',
  'a/b/c/d/e/f/g/h',
]

const matches: [filter: string, topics: string[]][] = [
  [
    'sport/tennis/player1/#',
    [
      'sport/tennis/player1',
      'sport/tennis/player1/',
      'sport/tennis/player1/ranking',
      'sport/tennis/player1/score/wimbledon',
    ],
  ],
  [
    'sport/#',
    [
      'sport',
      'sport/',
      'sport/tennis',
      'sport/tennis/player1',
      'sport/tennis/player1/',
      'sport/tennis/player1/ranking',
      'sport/tennis/player1/score/wimbledon',
      'sport/tennis/player2',
      'sport/tennis/player10',
      'sport//tennis',
    ],
  ],
  ['sport/tennis/+', ['sport/tennis/player1', 'sport/tennis/player2', 'sport/tennis/player10']],
  ['sport/+', ['sport/', 'sport/tennis']],
  ['sport/+/player1', ['sport/tennis/player1']],
  ['+/tennis/#', ['sport/tennis', ...topics.filter((topic) => /^[sS]port\/tennis\//.test(topic))]],
  ['+', ['sport', 'finance', 'Accounts payable']],
  ['+/+', ['sport/', '/sport', 'sport/tennis', '/finance', '/']],
  ['/+', ['/sport', '/finance', '/']],
  ['+/', ['sport/', '/']],
  [
    '+/+/+',
    [
      'sport/tennis/player1',
      'sport/tennis/player2',
      'sport/tennis/player10',
      'Sport/tennis/player1',
      'sport//tennis',
      '//',
    ],
  ],
  ['sport/+/tennis', ['sport//tennis']],
  ['//', ['//']],
  ['/', ['/']],
  ['/#', ['/sport', '/finance', '/', '//']],
  ['sport', ['sport']],
  ['sport/', ['sport/']],
  ['/finance', ['/finance']],
  ['ACCOUNTS PAYABLE', []],
  ['Accounts payable', ['Accounts payable']],
  ['a/+/c/+/e/+/g/+', ['a/b/c/d/e/f/g/h']],
  ['a/b/c/d/e/f/g/h/#', ['a/b/c/d/e/f/g/h']],
  ['#', topics],
]

describeTargets('topics', (bench) => {
  it.each(matches)(
    'M-TOPIC-1 the filter %s matches what section 4.7 says, and nothing else',
    async (filter, expected) => {
      const client = await bench.connect()
      expect(await client.subscribe(filter, 1)).toEqual([1])
      for (const topic of topics) await client.publish(topic, topic, { qos: 1 })
      const messages = (await bench.delivered(client, client)).filter(({ topic }) => !topic.startsWith('$'))
      expect(messages.map(({ topic }) => topic).sort()).toEqual([...expected].sort())
      expect(payloads(messages)).toEqual(messages.map(({ topic }) => topic))
    },
  )

  it.each(['#', '+/#', '+/conformance', '+/+'])(
    'M-TOPIC-2 the filter %s, which begins with a wildcard, matches no topic that begins with $',
    async (filter) => {
      const client = await bench.connect()
      await client.subscribe(filter, 0)
      const other = await bench.connect()
      other.send(publishPacket('$conformance/conformance', 'x'), { cmd: 'pingreq' })
      await Promise.race([other.take('pingresp').catch(() => 'closed'), other.closed()])
      const messages = await bench.delivered(client, await bench.connect())
      expect(messages.filter(({ topic }) => topic.startsWith('$'))).toEqual([])
    },
  )

  it('M-TOPIC-3 a long topic is matched to its last character', async () => {
    const client = await bench.connect()
    const long = bench.topic('x'.repeat(2_000))
    await client.subscribe([
      [`${long}1`, 0],
      [`${long}3/+`, 0],
    ])
    for (const end of ['1', '2', '3/a', '3']) await client.publish(`${long}${end}`, end, { qos: 1 })
    expect(payloads(await bench.delivered(client, client))).toEqual(['1', '3/a'])
  })

  it('M-TOPIC-4 nothing is normalized: composed and decomposed, full-width and plain are different', async () => {
    const client = await bench.connect()
    await client.subscribe([
      [bench.topic('\u00e9'), 0],
      [bench.topic('ａ'), 0],
      [bench.topic('.'), 0],
    ])
    for (const name of ['e\u0301', 'a', './.', '%C3%A9', '\u00e9'])
      await client.publish(bench.topic(name), name, { qos: 1 })
    expect(payloads(await bench.delivered(client, client))).toEqual(['\u00e9'])
  })

  it('M-TOPIC-5 names of JavaScript objects are topics like any other', async () => {
    const client = await bench.connect()
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype/__proto__']
    await client.subscribe(
      names.map((name) => bench.topic(name)),
      1,
    )
    for (const name of names) await client.publish(bench.topic(name), name, { qos: 1, retain: true })
    expect(payloads(await bench.delivered(client, client))).toEqual(names)
    const later = await bench.connect()
    await later.subscribe(bench.topic('#'), 1)
    expect(payloads(await bench.delivered(later, client)).sort()).toEqual([...names].sort())
    for (const name of names) await client.publish(bench.topic(name), '', { qos: 1, retain: true })
  })
})
