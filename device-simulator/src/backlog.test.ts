import { expect, test } from 'vitest'
import { countMetrics, createBacklog } from './backlog.ts'
import * as limits from './limits.ts'

const values = { temperature: 21.5, soil: { moisture: 40, salt: { ec: 1.2 } } }

test('counts the dotted metrics of nested objects', () => {
  expect(countMetrics(values)).toBe(3)
})

test('gives readings back oldest first, in messages below the contract bound', () => {
  const backlog = createBacklog()
  for (let ts = 0; ts < 200; ts++) expect(backlog.push({ ts, values })).toBe(true)
  const messages = []
  while (backlog.size > 0) messages.push(backlog.take())
  expect(messages.map((message) => message.length)).toEqual([80, 80, 40])
  expect(messages.flat().map(({ ts }) => ts)).toEqual(Array.from({ length: 200 }, (_, ts) => ts))
  expect(backlog.take()).toEqual([])
})

test('drops the oldest beyond its bound and says so', () => {
  const backlog = createBacklog()
  for (let ts = 0; ts < limits.backlogReadingsMax; ts++) backlog.push({ ts, values })
  expect(backlog.push({ ts: -1, values })).toBe(false)
  expect(backlog.size).toBe(limits.backlogReadingsMax)
  expect(backlog.take()[0]?.ts).toBe(1)
})
