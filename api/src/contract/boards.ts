import { Type } from 'typebox'
import { CommandName } from './commands.ts'
import { DeviceId, Instant, PageQuery } from './common.ts'

const PanelId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'unique within the board' })
const Title = Type.String({ minLength: 1, maxLength: 200 })
/** What devices call their metrics and commands: 1 to 128 characters without control characters. */
const MetricName = CommandName
const PanelHeight = Type.Enum(['small', 'medium', 'large'])

const place = {
  id: PanelId,
  title: Type.Optional(Title),
  width: Type.Integer({ minimum: 1, maximum: 12, description: 'columns of twelve' }),
  height: PanelHeight,
}
const metricOfDevice = { deviceId: DeviceId, metric: MetricName }
const strict = { additionalProperties: false }

const BoardSeries = Type.Object({ ...metricOfDevice, label: Type.Optional(Title) }, strict)

/** Devices need not exist: the panel of one that is gone says so. */
export const panelKinds = {
  chart: Type.Object(
    { kind: Type.Literal('chart'), ...place, series: Type.Array(BoardSeries, { minItems: 1, maxItems: 8 }) },
    strict,
  ),
  tile: Type.Object({ kind: Type.Literal('tile'), ...place, ...metricOfDevice }, strict),
  gauge: Type.Object(
    {
      kind: Type.Literal('gauge'),
      ...place,
      ...metricOfDevice,
      min: Type.Optional(Type.Number({ description: "where the scale begins; left out, the type's" })),
      max: Type.Optional(Type.Number()),
    },
    strict,
  ),
  state: Type.Object({ kind: Type.Literal('state'), ...place, ...metricOfDevice }, strict),
  positions: Type.Object(
    {
      kind: Type.Literal('positions'),
      ...place,
      devices: Type.Optional(Type.Array(DeviceId, { minItems: 1, maxItems: 50, uniqueItems: true })),
      tag: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\s,:]+$' })),
      latitude: Type.Optional(Type.String({ ...MetricName, default: 'gps.lat' })),
      longitude: Type.Optional(Type.String({ ...MetricName, default: 'gps.lon' })),
    },
    { ...strict, description: 'either devices or a tag' },
  ),
  command: Type.Object(
    {
      kind: Type.Literal('command'),
      ...place,
      deviceId: DeviceId,
      name: CommandName,
      params: Type.Optional(Type.Unknown()),
      label: Title,
    },
    strict,
  ),
}

export const Panel = Type.Union([
  panelKinds.chart,
  panelKinds.tile,
  panelKinds.gauge,
  panelKinds.state,
  panelKinds.positions,
  panelKinds.command,
])
export type Panel = Type.Static<typeof Panel>

/** What a Date and a timestamptz both hold. */
const AxisTime = Type.Integer({
  minimum: 0,
  maximum: Date.UTC(9_999, 0, 1),
  description: 'epoch milliseconds',
})

/** The time range that the charts of a board begin with. */
const BoardRange = Type.Union([
  Type.Object(
    { kind: Type.Literal('live'), windowMs: Type.Integer({ minimum: 1_000, maximum: 3_650 * 86_400_000 }) },
    strict,
  ),
  Type.Object({ kind: Type.Literal('fixed'), from: AxisTime, to: AxisTime }, strict),
])

const content = {
  name: Title,
  shared: Type.Boolean({ description: 'anyone who is signed in and has the link may look' }),
  range: BoardRange,
  panels: Type.Array(Panel, { maxItems: 50 }),
}

export const NewBoard = Type.Object(
  {
    name: content.name,
    shared: Type.Optional(content.shared),
    range: Type.Optional(content.range),
    panels: Type.Optional(content.panels),
  },
  strict,
)
export type NewBoard = Type.Static<typeof NewBoard>

/** The whole board; `version` is the one it was made from. */
export const BoardChange = Type.Object(
  { ...content, version: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) },
  strict,
)
export type BoardChange = Type.Static<typeof BoardChange>

const head = {
  id: Type.String({ format: 'uuid' }),
  owner: Type.String({ description: 'a user name, or token:{name}' }),
  version: Type.Integer({ description: 'counts the saves, from 1' }),
  createdAt: Instant,
  updatedAt: Instant,
  updatedBy: Type.String(),
}

export const Board = Type.Object({ ...head, ...content })
export type Board = Type.Static<typeof Board>

export const BoardSummary = Type.Object({
  ...head,
  name: content.name,
  shared: content.shared,
  layout: Type.Array(Type.Object({ kind: Type.String(), width: Type.Integer(), height: PanelHeight }), {
    description: 'its panels, in order',
  }),
})
export type BoardSummary = Type.Static<typeof BoardSummary>

export const BoardQuery = Type.Intersect([
  PageQuery,
  Type.Object({ owner: Type.Optional(Type.Enum(['me', 'others'])) }),
])
