import { Type } from 'typebox'
import { DeviceId, EpochMs, Instant, Value } from './common.ts'

const range = {
  metrics: Type.Optional(
    Type.String({ description: 'comma-separated, a comma inside a name as \\, (every metric when absent)' }),
  ),
  from: Type.Optional(Type.String({ default: 'now-15m', description: 'RFC 3339, epoch ms or now-15m' })),
  to: Type.Optional(Type.String({ default: 'now' })),
  bucket: Type.Optional(Type.String({ default: 'auto', description: 'auto, raw, or 10s, 1m, 1h …' })),
  maxPoints: Type.Optional(Type.Integer({ minimum: 10, maximum: 10_000, default: 500 })),
  format: Type.Optional(
    Type.Union([Type.Literal('csv'), Type.Literal('ndjson')], {
      description: 'a file to download, for a link, which cannot set Accept; it wins over Accept',
    }),
  ),
}
export const ReadingsQuery = Type.Object(range)
export type ReadingsQuery = Type.Static<typeof ReadingsQuery>

export const FleetReadingsQuery = Type.Object({
  devices: Type.String({ maxLength: 8_192, description: 'comma-separated ids' }),
  ...range,
})

/** From when to when nothing came, although the series usually speaks three times as often. */
const Gap = Type.Unsafe<[from: number, to: number]>(Type.Array(EpochMs, { minItems: 2, maxItems: 2 }))
export type Gap = Type.Static<typeof Gap>

const Numbers = Type.Array(Type.Union([Type.Number(), Type.Null()]))

/** Columns line up with `t` (bucket starts); null where a series has no reading in a bucket. */
const BucketColumns = Type.Object({
  kind: Type.Union([Type.Literal('number'), Type.Literal('boolean')]),
  avg: Numbers,
  min: Numbers,
  max: Numbers,
  last: Numbers,
  count: Type.Array(Type.Integer()),
  gaps: Type.Array(Gap),
})
/**
 * One series on its own axis: every reading, or the times its state changed. Text comes as changes always and has no
 * gaps: it holds until it changes. Booleans come as changes instead of buckets. A metric that changed its type has
 * values of both; `kind` is the first.
 */
const RawColumns = Type.Object({
  kind: Type.Union([Type.Literal('number'), Type.Literal('boolean'), Type.Literal('string')]),
  t: Type.Array(EpochMs),
  value: Type.Array(Value),
  gaps: Type.Array(Gap),
})
const SeriesColumns = Type.Record(Type.String(), Type.Union([BucketColumns, RawColumns]))

const answer = {
  from: EpochMs,
  to: EpochMs,
  bucketMs: Type.Union([Type.Integer(), Type.Null()], { description: 'null: every reading' }),
  source: Type.Union([Type.Literal('raw'), Type.Literal('1m'), Type.Literal('1h'), Type.Literal('1d')], {
    description: 'the readings themselves, or the rollup the buckets were made from',
  }),
  truncated: Type.Boolean({ description: 'only the newest fit' }),
  t: Type.Array(EpochMs, { description: 'bucket starts, of all series together' }),
}

/** `bucketMs: null` gives RawColumns for every series. Of a metric that changed its type, buckets hold the numbers. */
export const Readings = Type.Object({ deviceId: DeviceId, ...answer, series: SeriesColumns })
export type Readings = Type.Static<typeof Readings>
export type BucketColumns = Type.Static<typeof BucketColumns>
export type RawColumns = Type.Static<typeof RawColumns>

/** Several devices on one axis of time, in the order asked for. */
export const FleetReadings = Type.Object({
  ...answer,
  items: Type.Array(Type.Object({ deviceId: DeviceId, series: SeriesColumns })),
})
export type FleetReadings = Type.Static<typeof FleetReadings>

export const RejectedMessage = Type.Object({
  id: Type.String(),
  receivedAt: Instant,
  topic: Type.String(),
  reason: Type.String(),
  payload: Type.String({ description: 'at most 4 KiB, bytes that are not text shown as \\xNN' }),
  payloadBytes: Type.Integer(),
})
export type RejectedMessage = Type.Static<typeof RejectedMessage>
