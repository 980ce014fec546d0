import type { Device, DeviceType, Latest, Panel } from '@telltale/api/contract'
import { metricLook } from '../types/look.ts'
import type { BoardContent } from './boards.ts'
import { panelKinds, panelsMax, seriesMax } from './panels.ts'

type Values = Latest['values']
type Range = BoardContent['range']
export type Known = { device: Device; values: Values; type: DeviceType | null }

const usualRange: Range = { kind: 'live', windowMs: 15 * 60_000 }
/** Beyond, a generated board is a wall of numbers nobody reads; what is wanted can be added. */
const tilesMax = 12
const chartsMax = 12
const statesMax = 8
const commandsMax = 6

const columns = 12
const smallPerRow = 4
const chartsPerRow = 2

const positionNames: readonly [latitude: string, longitude: string][] = [
  ['gps.lat', 'gps.lon'],
  ['gps.latitude', 'gps.longitude'],
  ['location.lat', 'location.lon'],
  ['position.lat', 'position.lon'],
  ['latitude', 'longitude'],
  ['lat', 'lon'],
  ['lat', 'lng'],
]

/** Nothing has to be set up: what a device says decides what its board shows. */
export function deviceBoard({ device, values, type }: Known): BoardContent {
  const id = device.id
  const where = positionOf(values)
  const { numbers, states } = metricsOf(values, where)
  const tiles = numbers.slice(0, tilesMax).map((metric) => ({ ...sized('tile'), deviceId: id, metric }))
  const charts = groupByUnit(numbers, type)
    .slice(0, chartsMax)
    .map((metrics) => ({
      ...sized('chart'),
      ...(metrics.length > 1 && { title: chartTitle(metrics, type) }),
      series: metrics.map((metric) => ({ deviceId: id, metric })),
    }))
  const shown = states.slice(0, statesMax).map((metric) => ({ ...sized('state'), deviceId: id, metric }))
  const commands = Object.entries(type?.commands ?? {})
    .slice(0, commandsMax)
    .map(([name, { label }]) => ({ ...sized('command'), deviceId: id, name, label: label ?? name }))
  const positions = where === null ? [] : [{ ...sized('positions'), devices: [id], ...where }]
  return board(device.name, [
    ...inRows([...tiles, ...shown], smallPerRow),
    ...inRows(charts, chartsPerRow),
    ...inRows(positions, 1),
    ...inRows(commands, smallPerRow),
  ])
}

/** One chart for each metric that several have, and of the first of them a tile for each. */
export function tagBoard(tag: string, known: readonly Known[]): BoardContent {
  const devices = known.slice(0, seriesMax)
  const common = commonMetrics(devices)
  const [first] = common
  const tiles = devices
    .filter(({ values }) => first !== undefined && typeof values[first]?.value === 'number')
    .map(({ device }) => ({
      ...sized('tile'),
      ...{ deviceId: device.id, metric: first ?? '' },
    }))
  const charts = common.slice(0, chartsMax).map((metric) => {
    const having = devices.filter(({ values }) => typeof values[metric]?.value === 'number')
    return {
      ...sized('chart'),
      title: metricLook(having[0]?.type, metric).label,
      series: having.map(({ device }) => ({ deviceId: device.id, metric, label: device.name })),
    }
  })
  const where = known.map(({ values }) => positionOf(values)).find((found) => found !== null)
  const positions = where == null ? [] : [{ ...sized('positions'), tag, ...where }]
  return board(tag, [...inRows(tiles, smallPerRow), ...inRows(charts, chartsPerRow), ...inRows(positions, 1)])
}

type Unplaced = Panel extends infer P ? (P extends Panel ? Omit<P, 'id'> : never) : never

function board(name: string, panels: readonly Unplaced[]): BoardContent {
  const placed = panels.slice(0, panelsMax).map((panel, at) => ({ id: `p${at + 1}`, ...panel }) as Panel)
  return { name, shared: false, range: usualRange, panels: placed }
}

/** Rows as even as they can be, each filled from edge to edge: five are three and two. */
function inRows<P extends { width: number }>(panels: readonly P[], perRow: number): P[] {
  const rows = Math.ceil(panels.length / perRow)
  const least = Math.floor(panels.length / rows)
  const longer = panels.length % rows
  return panels.map((panel, at) => {
    const isInLonger = at < longer * (least + 1)
    return { ...panel, width: columns / (isInLonger ? least + 1 : least) }
  })
}

function sized<K extends Panel['kind']>(kind: K) {
  const { width, height } = panelKinds[kind]
  return { kind, width, height }
}

function positionOf(values: Values): { latitude: string; longitude: string } | null {
  const isNumber = (metric: string) =>
    Object.hasOwn(values, metric) && typeof values[metric]?.value === 'number'
  const found = positionNames.find(([latitude, longitude]) => isNumber(latitude) && isNumber(longitude))
  return found === undefined ? null : { latitude: found[0], longitude: found[1] }
}

function metricsOf(values: Values, where: { latitude: string; longitude: string } | null) {
  const names = Object.keys(values).filter((name) => name !== where?.latitude && name !== where?.longitude)
  const isNumber = (name: string) => typeof values[name]?.value === 'number'
  return { numbers: names.filter(isNumber), states: names.filter((name) => !isNumber(name)) }
}

/** Metrics that share a unit share a chart; one without a unit is compared with nothing. */
function groupByUnit(metrics: readonly string[], type: DeviceType | null): string[][] {
  const groups: string[][] = []
  const open = new Map<string, string[]>()
  for (const metric of metrics) {
    const { unit } = metricLook(type, metric)
    const group = unit === '' ? undefined : open.get(unit)
    if (group !== undefined && group.length < seriesMax) {
      group.push(metric)
      continue
    }
    const fresh = [metric]
    groups.push(fresh)
    if (unit !== '') open.set(unit, fresh)
  }
  return groups
}

function chartTitle(metrics: readonly string[], type: DeviceType | null): string {
  const labels = metrics.map((metric) => metricLook(type, metric).label)
  const words = labels.length > 3 ? [...labels.slice(0, 2), `${labels.length - 2} more`] : labels
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`.slice(0, 200)
}

/** Numbers that most have come first; of those as many have, in the order they are said. */
function commonMetrics(devices: readonly Known[]): string[] {
  const counts = new Map<string, number>()
  for (const { values } of devices)
    for (const metric of metricsOf(values, positionOf(values)).numbers)
      counts.set(metric, (counts.get(metric) ?? 0) + 1)
  const least = devices.length > 1 ? 2 : 1
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort(([, often], [, oftener]) => oftener - often)
    .map(([metric]) => metric)
}
