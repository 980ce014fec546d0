import type { Device, DeviceType, Latest, Panel } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { deviceBoard, tagBoard } from './generate.ts'

type Values = Latest['values']

function device(id: string): Device {
  const presence = { status: 'online', since: 0, reason: null, seenAt: 0 } as unknown as Device['presence']
  const rest = { type: null, tags: [], createdAt: '2026-01-01T00:00:00.000Z', disabledAt: null, presence }
  return { id, name: `Name of ${id}`, ...rest }
}

function values(all: Record<string, Values[string]['value']>): Values {
  return Object.fromEntries(Object.entries(all).map(([metric, value]) => [metric, { value, time: 0 }]))
}

const type = {
  ...{ name: 'room', label: null, devices: 1, updatedAt: '', updatedBy: '' },
  metrics: { temperature: { unit: '°C', label: 'Air' }, supply: { unit: '°C' } },
  commands: { 'set-point': { label: 'Set point' }, reboot: {} },
} as DeviceType

const said = (panels: readonly Panel[]) =>
  panels.map((panel) => {
    if (panel.kind === 'chart')
      return `chart ${panel.series.map((one) => `${one.deviceId}.${one.metric}`).join('+')}`
    if (panel.kind === 'positions')
      return `positions ${panel.tag ?? panel.devices?.join('+')} ${panel.latitude}`
    return `${panel.kind} ${panel.deviceId}.${panel.kind === 'command' ? panel.name : panel.metric}`
  })

describe('deviceBoard', () => {
  it('U-BOARDGEN-1 a device has tiles, states, charts by unit, where it is, and the commands of its type', () => {
    const all = { temperature: 1, supply: 2, load: 3, door: 'open', 'gps.lat': 52, 'gps.lon': 4 }
    const board = deviceBoard({ device: device('a'), values: values(all), type })
    expect(board.name).toBe('Name of a')
    expect(said(board.panels)).toEqual([
      ...['tile a.temperature', 'tile a.supply', 'tile a.load', 'state a.door'],
      ...['chart a.temperature+a.supply', 'chart a.load', 'positions a gps.lat'],
      ...['command a.set-point', 'command a.reboot'],
    ])
    const chart = board.panels.find(({ kind }) => kind === 'chart')
    expect(chart?.title).toBe('Air and Supply')
    expect(board.panels.map(({ width }) => width)).toEqual([3, 3, 3, 3, 6, 6, 12, 6, 6])
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
  })

  it('U-BOARDGEN-2 with 256 metrics it stays within what a board may have; without any it is empty', () => {
    const many = values(
      Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`m${i}`, i % 2 ? i : 'on'])),
    )
    const { panels } = deviceBoard({ device: device('a'), values: many, type: null })
    expect(panels.length).toBeLessThanOrEqual(50)
    expect(panels.every((panel) => panel.kind !== 'chart' || panel.series.length <= 8)).toBe(true)
    expect(deviceBoard({ device: device('a'), values: {}, type: null }).panels).toEqual([])
  })
})

describe('tagBoard', () => {
  it('U-BOARDGEN-3 a tag has a chart for each metric that several devices have, the commonest first', () => {
    const known = (id: string, all: Record<string, number | string>) => ({
      ...{ device: device(id), values: values(all), type: null },
    })
    const board = tagBoard('vans', [
      known('a', { speed: 1, fuel: 1, only: 1 }),
      known('b', { speed: 1, fuel: 1, lat: 1, lon: 1 }),
      known('c', { speed: 1, door: 'open' }),
    ])
    expect(said(board.panels)).toEqual([
      ...['tile a.speed', 'tile b.speed', 'tile c.speed'],
      ...['chart a.speed+b.speed+c.speed', 'chart a.fuel+b.fuel', 'positions vans lat'],
    ])
  })

  it('U-BOARDGEN-4 of a large group a chart has eight lines', () => {
    const many = Array.from({ length: 30 }, (_, i) => ({
      ...{ device: device(`d${i}`), values: values({ heat: i }), type: null },
    }))
    const chart = tagBoard('all', many).panels.find(({ kind }) => kind === 'chart')
    expect(chart?.kind === 'chart' && chart.series).toHaveLength(8)
    expect(tagBoard('none', []).panels).toEqual([])
  })
})
