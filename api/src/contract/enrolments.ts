import { Type } from 'typebox'
import { DeviceId, Instant } from './common.ts'

/** An unknown device that connected with the enrolment key and waits to be let in. */
export const Enrolment = Type.Object({
  deviceId: DeviceId,
  address: Type.Union([Type.String(), Type.Null()], { description: 'where it tried from last' }),
  clientId: Type.String(),
  requestedAt: Instant,
  lastRequestedAt: Instant,
  attempts: Type.Integer({ minimum: 1 }),
})
export type Enrolment = Type.Static<typeof Enrolment>
