import { Type } from 'typebox'
import { DeviceId, Instant } from './common.ts'

/** An MQTT client that is not a device. */
export const Integration = Type.Object({
  name: DeviceId,
  username: Type.String({ description: 'of the MQTT connection: @ and the name' }),
  read: Type.Boolean({ description: 'may subscribe to every topic of devices, wildcards included' }),
  write: Type.Boolean({
    description:
      'may publish telemetry for every device, and use every topic that is not of devices and has no $ in front',
  }),
  createdBy: Type.String(),
  createdAt: Instant,
  lastConnectedAt: Type.Union([Instant, Type.Null()], { description: 'accurate to a minute' }),
})
export type Integration = Type.Static<typeof Integration>

/** At least one of `read` and `write` must be true. */
export const NewIntegration = Type.Object(
  {
    name: DeviceId,
    read: Type.Optional(Type.Boolean({ default: false })),
    write: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
)
export type NewIntegration = Type.Static<typeof NewIntegration>

/** `secret` is shown this once only; Telltale keeps a hash. */
export const IntegrationCreated = Type.Intersect([Integration, Type.Object({ secret: Type.String() })])
export type IntegrationCreated = Type.Static<typeof IntegrationCreated>
