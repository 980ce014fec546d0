import { describe, expect, it } from 'vitest'
import { filterIsOwn, filterMatches, isDeviceId, parseTopic, topics } from './topics.ts'

const UUID = '0b9e7a52-6f1c-4d0e-9a3b-2f1d5c7e8a90'

describe('topics', () => {
  it.each([
    [topics.telemetry('a.b-C_9'), { kind: 'telemetry', deviceId: 'a.b-C_9' }],
    [topics.metric('d', 'gps.lat'), { kind: 'metric', deviceId: 'd', metric: 'gps.lat' }],
    [topics.status('d'), { kind: 'status', deviceId: 'd' }],
    [topics.command('d', UUID), { kind: 'command', deviceId: 'd', commandId: UUID }],
    [topics.reply('d', UUID), { kind: 'reply', deviceId: 'd', commandId: UUID }],
    [topics.platform('nudge', 'd'), { kind: 'platform', about: 'nudge', id: 'd' }],
    [topics.platform('changed', 'c'), { kind: 'platform', about: 'changed', id: 'c' }],
    ['devices/d', { kind: 'unknown', deviceId: 'd' }],
    ['devices/d/telemetry/', { kind: 'unknown', deviceId: 'd' }],
    ['devices/d/telemetry/a/b', { kind: 'unknown', deviceId: 'd' }],
    ['devices/d/commands/1', { kind: 'unknown', deviceId: 'd' }],
    [`devices/d/commands/${UUID}/other`, { kind: 'unknown', deviceId: 'd' }],
    ['devices//telemetry', { kind: 'foreign' }],
    ['devices/.d/telemetry', { kind: 'foreign' }],
    ['/devices/d/telemetry', { kind: 'foreign' }],
    ['Devices/d/telemetry', { kind: 'foreign' }],
    ['$SYS/broker', { kind: 'foreign' }],
    ['$telltale/nudge', { kind: 'foreign' }],
    ['$telltale/other/d', { kind: 'foreign' }],
    ['', { kind: 'foreign' }],
  ])('T-TOPIC-1 %s', (topic, expected) => {
    expect(parseTopic(topic)).toEqual(expected)
  })

  it.each([
    ['kitchen', true],
    ['A.b_c-9', true],
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
    ['', false],
    ['.hidden', false],
    ['a/b', false],
    ['a+b', false],
    ['naïve', false],
  ])('D-ID-1 %s', (id, expected) => {
    expect(isDeviceId(id)).toBe(expected)
  })

  it.each([
    ['devices/d/#', true],
    ['devices/d/commands/+', true],
    ['devices/d', false],
    ['devices/dd/#', false],
    ['devices/+/telemetry', false],
    ['devices/#', false],
    ['#', false],
    ['$share/g/devices/d/#', false],
  ])('S-FILTER-1 %s', (filter, expected) => {
    expect(filterIsOwn(filter, 'd')).toBe(expected)
  })

  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['+/b', '/b', true],
    ['+', '$SYS', false],
    ['#', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a/b/c', 'a/b', false],
  ])('T-MATCH-1 %s against %s', (filter, topic, expected) => {
    expect(filterMatches(filter, topic)).toBe(expected)
  })
})
