import { expect, it } from 'vitest'
import { RetainedMessages } from './session-store.ts'

it('T-RETAIN-1 finds what matches, in and across groups, and forgets what was cleared', () => {
  const retained = new RetainedMessages()
  for (const topic of ['devices/a/status', 'devices/a/x/y', 'devices/b/status', 'devices/a', 'plain'])
    retained.store({ topic, payload: Buffer.from(topic) })
  const find = (...filters: string[]) => [...retained.find(filters)].map(({ topic }) => topic).sort()
  expect(find('devices/a/#')).toEqual(['devices/a', 'devices/a/status', 'devices/a/x/y'])
  expect(find('devices/+/status')).toEqual(['devices/a/status', 'devices/b/status'])
  expect(find('devices/a/status')).toEqual(['devices/a/status'])
  expect(find('plain', '+/b/+')).toEqual(['devices/b/status', 'plain'])
  expect(find('#').length).toBe(5)
  retained.store({ topic: 'devices/a/status', payload: Buffer.of() })
  expect(find('devices/+/status')).toEqual(['devices/b/status'])
})
