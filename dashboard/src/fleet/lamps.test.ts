import type { Device } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { layOut, panelRows } from './lamps.ts'

function device(id: string, status: Device['presence']['status']): Device {
  return {
    id,
    name: id,
    type: null,
    tags: [],
    createdAt: '2026-11-22T14:00:00Z',
    disabledAt: null,
    presence: { status, since: null, reason: null, seenAt: null },
  }
}

it('panelRows grows only when the panel is full', () => {
  expect([panelRows(60, 1_200), panelRows(400, 1_200), panelRows(1_284, 1_128)]).toEqual([3, 4, 8])
})

it('layOut draws trouble last and fades what the filter leaves out', () => {
  const devices = [device('a', 'offline'), device('b', 'online'), device('c', 'online')]
  const cells = layOut(devices, 1_000, ({ id }) => id !== 'c')
  expect(cells.map(({ shape, faded }) => [shape, faded])).toEqual([
    ['ok', true],
    ['ok', false],
    ['bad', false],
  ])
})
