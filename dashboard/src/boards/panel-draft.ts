import type { Panel } from '@telltale/api/contract'
import { readParams } from '../commands/params.ts'
import { paramsText } from '../commands/values.ts'
import {
  type PanelHeight,
  type PanelKind,
  panelKinds,
  seriesMax,
  usualLatitude,
  usualLongitude,
} from './panels.ts'

export type DraftSeries = { deviceId: string; metric: string; label: string }

/** A panel being written. Every kind has its fields here, so that trying another kind loses nothing. */
export type PanelDraft = {
  kind: PanelKind
  title: string
  /** A chart shows all of them, the others the first. */
  series: DraftSeries[]
  min: string
  max: string
  whose: 'devices' | 'tag'
  devices: string[]
  tag: string
  latitude: string
  longitude: string
  deviceId: string
  name: string
  label: string
  params: string
}

const blank: PanelDraft = {
  ...{ kind: 'chart', title: '', series: [], min: '', max: '' },
  ...{ whose: 'devices', devices: [], tag: '', latitude: usualLatitude, longitude: usualLongitude },
  ...{ deviceId: '', name: '', label: '', params: '' },
}

export function newPanelDraft(deviceId = ''): PanelDraft {
  return { ...blank, deviceId }
}

export function toPanelDraft(panel: Panel): PanelDraft {
  const draft: PanelDraft = { ...blank, kind: panel.kind, title: panel.title ?? '' }
  switch (panel.kind) {
    case 'chart': {
      const series = panel.series.map((one) => ({ ...one, label: one.label ?? '' }))
      return { ...draft, series, deviceId: series[0]?.deviceId ?? '' }
    }
    case 'positions':
      return {
        ...draft,
        whose: panel.tag === undefined ? 'devices' : 'tag',
        devices: panel.devices ?? [],
        tag: panel.tag ?? '',
        latitude: panel.latitude ?? usualLatitude,
        longitude: panel.longitude ?? usualLongitude,
      }
    case 'command': {
      const { deviceId, name, label, params } = panel
      return { ...draft, deviceId, name, label, params: params === undefined ? '' : paramsText(params) }
    }
    default: {
      const series = [{ deviceId: panel.deviceId, metric: panel.metric, label: '' }]
      const scale = panel.kind === 'gauge' ? { min: numberText(panel.min), max: numberText(panel.max) } : {}
      return { ...draft, series, deviceId: panel.deviceId, ...scale }
    }
  }
}

function numberText(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

export type DraftField =
  | 'series'
  | 'max'
  | 'min'
  | 'devices'
  | 'tag'
  | 'latitude'
  | 'longitude'
  | 'name'
  | 'params'
export type DraftRead = { panel: Panel | null; errors: ReadonlyMap<DraftField, string> }
type Place = { id: string; width: number; height: PanelHeight }

/** Of another kind it gets the size that kind begins with. */
export function readPanelDraft(draft: PanelDraft, old: Panel | null, id: string): DraftRead {
  const usual = panelKinds[draft.kind]
  const { width, height } = old !== null && old.kind === draft.kind ? old : usual
  return readers[draft.kind](draft, { id, width, height })
}

type Reader = (draft: PanelDraft, place: Place) => DraftRead

const readers: Record<PanelKind, Reader> = {
  chart: (draft, place) => {
    if (draft.series.length === 0) return refused('series', 'Choose at least one metric.')
    const series = draft.series.slice(0, seriesMax).map(({ deviceId, metric, label }) => {
      return { deviceId, metric, ...(label.trim() !== '' && { label: label.trim() }) }
    })
    return read({ kind: 'chart', ...head(draft, place), series })
  },
  tile: (draft, place) => ofMetric(draft, (metric) => ({ kind: 'tile', ...head(draft, place), ...metric })),
  state: (draft, place) => ofMetric(draft, (metric) => ({ kind: 'state', ...head(draft, place), ...metric })),
  gauge: (draft, place) => {
    const [min, max] = [readNumber(draft.min), readNumber(draft.max)]
    if (min === 'wrong') return refused('min', 'Not a number.')
    if (max === 'wrong') return refused('max', 'Not a number.')
    if (min !== null && max !== null && min >= max) return refused('max', 'Must be above where it begins.')
    const scale = { ...(min !== null && { min }), ...(max !== null && { max }) }
    return ofMetric(draft, (metric) => ({ kind: 'gauge', ...head(draft, place), ...metric, ...scale }))
  },
  positions: (draft, place) => {
    const [latitude, longitude, tag] = [draft.latitude.trim(), draft.longitude.trim(), draft.tag.trim()]
    if (latitude === '') return refused('latitude', 'Needs the name of a metric.')
    if (longitude === '') return refused('longitude', 'Needs the name of a metric.')
    if (draft.whose === 'tag' && !/^[^\s,:]{1,64}$/.test(tag))
      return refused('tag', 'A tag: no spaces, commas or colons.')
    if (draft.whose === 'devices' && draft.devices.length === 0)
      return refused('devices', 'Choose at least one device.')
    const whose = draft.whose === 'tag' ? { tag } : { devices: draft.devices }
    return read({ kind: 'positions', ...head(draft, place), ...whose, latitude, longitude })
  },
  command: (draft, place) => {
    const name = draft.name.trim()
    if (draft.deviceId === '') return refused('name', 'Choose a device.')
    if (name === '') return refused('name', 'Choose a command.')
    const params = readParams(draft.params)
    if (!params.ok) return refused('params', params.message)
    return read({
      ...{ kind: 'command', ...head(draft, place), deviceId: draft.deviceId, name },
      label: draft.label.trim() || name,
      ...(params.params !== undefined && { params: params.params }),
    })
  },
}

function ofMetric(
  draft: PanelDraft,
  make: (metric: { deviceId: string; metric: string }) => Panel,
): DraftRead {
  const [first] = draft.series
  if (first === undefined) return refused('series', 'Choose a metric.')
  return read(make({ deviceId: first.deviceId, metric: first.metric }))
}

function head({ title }: PanelDraft, { id, width, height }: Place) {
  return { id, ...(title.trim() !== '' && { title: title.trim() }), width, height }
}

function read(panel: Panel): DraftRead {
  return { panel, errors: new Map() }
}

function refused(field: DraftField, words: string): DraftRead {
  return { panel: null, errors: new Map([[field, words]]) }
}

/** A comma is what half of Europe types. */
function readNumber(text: string): number | null | 'wrong' {
  const plain = text.trim().replace('−', '-').replace(',', '.')
  if (plain === '') return null
  const value = Number(plain)
  return Number.isFinite(value) ? value : 'wrong'
}

/** A press on a metric: a chart takes it in or lets it go, the others show this one instead. */
export function toggleMetric(draft: PanelDraft, picked: { deviceId: string; metric: string }): PanelDraft {
  const isSame = (one: DraftSeries) => one.deviceId === picked.deviceId && one.metric === picked.metric
  if (draft.kind !== 'chart') return { ...draft, series: [{ ...picked, label: '' }] }
  if (draft.series.some(isSame)) return { ...draft, series: draft.series.filter((one) => !isSame(one)) }
  if (draft.series.length >= seriesMax) return draft
  return { ...draft, series: [...draft.series, { ...picked, label: '' }] }
}
