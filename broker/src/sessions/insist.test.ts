import type { Logger } from '@telltale/infra/log'
import { waitFor } from '@telltale/infra/testing/wait'
import { expect, it } from 'vitest'
import { insistWith } from './insist.ts'

it('R-REDIS-4 a store that comes back bit by bit is one outage in the log', async () => {
  const lines: string[] = []
  const keep = (_fields: object, line: string) => void lines.push(line)
  const insist = insistWith({ info: keep, warn: keep } as unknown as Logger)
  const away = 'sessions cannot be stored; publishers wait'

  // Queues are written again, and then what matches is not known yet; each time nobody else waits.
  for (const name of ['enqueue', 'match', 'enqueue']) expect(await insist(onceAway(name))).toBe(name)
  expect(await insist(async () => 'at once')).toBe('at once')
  expect(lines).toEqual([away])
  await waitFor('the end', () => lines.length > 1)
  expect(lines).toEqual([away, 'sessions are stored again; publishers go on'])

  await insist(onceAway('another day'))
  expect(lines.slice(2)).toEqual([away])
})

/** Fails the first time. */
function onceAway(name: string): () => Promise<string> {
  let calls = 0
  return async () => {
    if (calls++ === 0) throw new Error(`${name}: Redis was away`)
    return name
  }
}
