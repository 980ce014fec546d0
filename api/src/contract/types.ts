import { Type } from 'typebox'
import { Instant } from './common.ts'

const Label = Type.String({ minLength: 1, maxLength: 100 })
/**
 * Metrics or commands by name: what devices say, 1 to 128 characters without control characters. The pattern lets any
 * name in, line breaks too, so that everything under it is checked; the names themselves are checked by the route.
 */
const ByName = <T extends Type.TSchema>(item: T, maxProperties: number) =>
  Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), item, { maxProperties })

export const TypeName = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$' })

/** A value above `above` or below `below` is worth a look, or an alarm. */
export const Threshold = Type.Object(
  {
    above: Type.Optional(Type.Number()),
    below: Type.Optional(Type.Number()),
    level: Type.Union([Type.Literal('warning'), Type.Literal('alarm')]),
  },
  { additionalProperties: false },
)

export type Threshold = Type.Static<typeof Threshold>

/** How a metric is shown. */
export const MetricType = Type.Object(
  {
    label: Type.Optional(Label),
    unit: Type.Optional(Type.String({ maxLength: 32 })),
    decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    min: Type.Optional(Type.Number({ description: 'of the axis' })),
    max: Type.Optional(Type.Number({ description: 'of the axis' })),
    thresholds: Type.Optional(Type.Array(Threshold, { maxItems: 8 })),
  },
  { additionalProperties: false },
)
export type MetricType = Type.Static<typeof MetricType>

/** What a command is asked for. */
export const CommandType = Type.Object(
  {
    label: Type.Optional(Label),
    params: Type.Optional(
      Type.Unknown({ description: 'JSON Schema of the params: the subset docs/SPEC.md lists' }),
    ),
    dangerous: Type.Optional(
      Type.Boolean({ default: false, description: 'asked for twice by the dashboard' }),
    ),
  },
  { additionalProperties: false },
)
export type CommandType = Type.Static<typeof CommandType>

export const DeviceTypeBody = Type.Object(
  {
    label: Type.Optional(Label),
    metrics: Type.Optional(ByName(MetricType, 1_000)),
    commands: Type.Optional(ByName(CommandType, 100)),
  },
  { additionalProperties: false },
)
export type DeviceTypeBody = Type.Static<typeof DeviceTypeBody>

export const DeviceType = Type.Object({
  name: TypeName,
  label: Type.Union([Label, Type.Null()]),
  metrics: Type.Record(Type.String(), MetricType),
  commands: Type.Record(Type.String(), CommandType),
  devices: Type.Integer({ description: 'how many devices name this type' }),
  updatedAt: Instant,
  updatedBy: Type.String(),
})
export type DeviceType = Type.Static<typeof DeviceType>
