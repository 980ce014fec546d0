import { Type } from 'typebox'
import { DeviceId, EpochMs, Instant, Page, PageQuery, Value } from './common.ts'
import { Presence, PresenceStatus } from './presence.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Tag = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\s,:]+$' })
/** In an address: one tag, or several with commas between them. */
export const TagList = Type.String({
  maxLength: 520,
  pattern: '^[^\\s,:]+(,[^\\s,:]+){0,7}$',
  description: 'a tag, or up to eight with commas between them: the device has all of them',
})
export const TAGS_MAX = 32
const Tags = Type.Array(Tag, { maxItems: TAGS_MAX, uniqueItems: true })

export const Device = Type.Object({
  id: DeviceId,
  name: Name,
  type: Type.Union([Type.String(), Type.Null()]),
  tags: Tags,
  createdAt: Instant,
  disabledAt: Type.Union([Instant, Type.Null()]),
  presence: Presence,
})
export type Device = Type.Static<typeof Device>

export const NewDevice = Type.Object(
  { id: Type.Optional(DeviceId), name: Name, type: Type.Optional(Name), tags: Type.Optional(Tags) },
  { additionalProperties: false },
)
export type NewDevice = Type.Static<typeof NewDevice>

export const DeviceChange = Type.Partial(
  Type.Object({
    name: Name,
    type: Type.Union([Name, Type.Null()]),
    tags: Tags,
    disabled: Type.Boolean(),
  }),
  { additionalProperties: false, minProperties: 1 },
)
export type DeviceChange = Type.Static<typeof DeviceChange>

/** Which devices: all conditions together. Everybody is said in so many words, never by leaving the rest out. */
const DevicesFilter = Type.Object(
  {
    all: Type.Optional(Type.Literal(true)),
    ids: Type.Optional(Type.Array(DeviceId, { minItems: 1, maxItems: 10_000, uniqueItems: true })),
    q: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'part of the id or name' })),
    status: Type.Optional(PresenceStatus),
    tag: Type.Optional(TagList),
    type: Type.Optional(Name),
  },
  { additionalProperties: false, minProperties: 1 },
)

/** One change for many devices. */
export const DevicesChange = Type.Object(
  {
    filter: DevicesFilter,
    addTags: Type.Optional(Tags),
    removeTags: Type.Optional(Tags),
    disabled: Type.Optional(Type.Boolean()),
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'only count the devices' })),
    devicesMax: Type.Optional(
      Type.Integer({ minimum: 1, description: 'refuse when the filter has come to match more than this' }),
    ),
  },
  { additionalProperties: false },
)
export type DevicesChange = Type.Static<typeof DevicesChange>

export const DevicesChanged = Type.Object({
  devices: Type.Integer({ description: 'how many the filter matches' }),
  changed: Type.Integer({ description: 'of them, those that were not so before; 0 in a dry run' }),
  refused: Type.Integer({ description: 'left as they were: they would have more than 32 tags' }),
})
export type DevicesChanged = Type.Static<typeof DevicesChanged>

/** `secret` is shown this once only; Telltale keeps a hash. */
export const DeviceCreated = Type.Intersect([Device, Type.Object({ secret: Type.String() })])
export type DeviceCreated = Type.Static<typeof DeviceCreated>

export const DeviceQuery = Type.Intersect([
  PageQuery,
  Type.Object({
    q: Type.Optional(Type.String({ maxLength: 200, description: 'part of the id or name' })),
    status: Type.Optional(PresenceStatus),
    tag: Type.Optional(TagList),
    type: Type.Optional(Name),
    ids: Type.Optional(
      Type.String({ maxLength: 16_384, description: 'comma-separated: those of these ids that exist' }),
    ),
  }),
])
export type DeviceQuery = Type.Static<typeof DeviceQuery>

export const DevicePage = Page(Device)
export type DevicePage = Type.Static<typeof DevicePage>

/** The device itself is gone at once; its readings are removed in the background. */
export const Deletion = Type.Object({
  id: Type.String(),
  deviceId: DeviceId,
  requestedBy: Type.String(),
  requestedAt: Instant,
  readingsDeleted: Type.Integer(),
  finishedAt: Type.Union([Instant, Type.Null()]),
})
export type Deletion = Type.Static<typeof Deletion>

/** Of the whole fleet, whatever the list is filtered to. */
export const FleetSummary = Type.Object({
  total: Type.Integer(),
  online: Type.Integer(),
  silent: Type.Integer(),
  offline: Type.Integer(),
  never: Type.Integer(),
})
export type FleetSummary = Type.Static<typeof FleetSummary>

export const Credential = Type.Object({
  id: Type.String({ format: 'uuid' }),
  kind: Type.Union([Type.Literal('secret'), Type.Literal('enrolment'), Type.Literal('certificate')]),
  fingerprint: Type.Union([Type.String(), Type.Null()], {
    description: 'SHA-256 of a certificate, in hexadecimal; null for the other kinds',
  }),
  createdAt: Instant,
  revokedAt: Type.Union([Instant, Type.Null()]),
})
export type Credential = Type.Static<typeof Credential>
export const CredentialCreated = Type.Intersect([Credential, Type.Object({ secret: Type.String() })])
export type CredentialCreated = Type.Static<typeof CredentialCreated>

export const LatestValue = Type.Object({ value: Value, time: EpochMs })
export const Latest = Type.Object({
  deviceId: Type.String(),
  values: Type.Record(Type.String(), LatestValue),
})
export type Latest = Type.Static<typeof Latest>
