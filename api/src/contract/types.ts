import { Type } from 'typebox'
import { Instant } from './common.ts'

const Label = Type.String({ minLength: 1, maxLength: 100 })
/** Of a metric or a command: what devices say, or 1 to 128 characters without control characters. */
const Named = '^[^\\u0000-\\u001f\\u007f]{1,128}$'

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
    metrics: Type.Optional(
      Type.Record(Type.String({ pattern: Named }), MetricType, { additionalProperties: false }),
    ),
    commands: Type.Optional(
      Type.Record(Type.String({ pattern: Named }), CommandType, { additionalProperties: false }),
    ),
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
