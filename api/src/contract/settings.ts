import { Type } from 'typebox'

/** What a broker was started with; a secret is only said to be there. */
const BrokerSettings = Type.Object({
  enrolment: Type.Union([Type.Literal('closed'), Type.Literal('approve'), Type.Literal('open')]),
  enrolmentKeySet: Type.Boolean(),
  retentionDays: Type.Integer({ minimum: 0, description: '0 keeps everything' }),
  backfillDays: Type.Integer({ minimum: 1 }),
})

/** Read-only: settings are variables of the programs, and a change takes a restart. */
export const Settings = Type.Object({
  brokers: Type.Array(
    Type.Object({ brokerId: Type.String(), settings: Type.Union([BrokerSettings, Type.Null()]) }),
    { description: 'those that run now; null: it has not told yet' },
  ),
  database: Type.Object({
    engine: Type.Union([Type.Literal('timescale'), Type.Literal('plain')]),
    serverVersion: Type.String(),
    extensionVersion: Type.Union([Type.String(), Type.Null()]),
  }),
})
export type Settings = Type.Static<typeof Settings>
