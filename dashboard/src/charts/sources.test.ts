import { expect, it } from 'vitest'
import { metricsParam } from '../telemetry/history.ts'
import { mergeSources } from './sources.ts'

it('L-SOURCE-1: charts of one device share one request, for all they show', () => {
  const merged = mergeSources([
    { deviceId: 'b', metrics: ['t', 'h'] },
    { deviceId: 'a', metrics: ['t'] },
    { deviceId: 'b', metrics: ['co2', 't'] },
  ])
  expect(merged).toEqual([
    { deviceId: 'b', metrics: ['co2', 'h', 't'] },
    { deviceId: 'a', metrics: ['t'] },
  ])
})

it('L-SOURCE-2: who wants all of a device gets all, before or after who wants less', () => {
  const all = { deviceId: 'b' }
  const some = { deviceId: 'b', metrics: ['t'] }
  expect([mergeSources([all, some]), mergeSources([some, all])]).toEqual([[all], [all]])
  expect(mergeSources([{ deviceId: 'b', metrics: [] }, some])).toEqual([some])
})

it('L-SOURCE-3: a name with a comma, a backslash or a space before it is asked for as one name', () => {
  // As the API reads it.
  const read = (text: string) =>
    (text.match(/(?:\\.|[^\\,])+/gs) ?? []).map((part) => part.trim().replace(/\\(.)/gs, '$1'))
  const names = ['a,b', 'a\\b', ' a', 'a b', 'plain', 'gps.lat', '\\,']
  expect(read(metricsParam(names) ?? '')).toEqual(names)
  expect([metricsParam(['a ', 'b']), metricsParam(undefined)]).toEqual([undefined, undefined])
})
