export {
  CommandBatch,
  CommandBatchCount,
  CommandBatchResult,
  CommandBatchStatus,
  CommandBatchSummary,
  DeviceFilter,
  NewCommandBatch,
} from './command-batches.ts'
export {
  ClientFrame,
  Command,
  CommandDetail,
  CommandEvent,
  CommandStatus,
  commandStatuses,
  NewCommand,
  ServerFrame,
} from './commands.ts'
export { Page, PageQuery, Problem, Role, Value } from './common.ts'
export {
  Credential,
  CredentialCreated,
  Deletion,
  Device,
  DeviceChange,
  DeviceCreated,
  DevicePage,
  DeviceQuery,
  FleetSummary,
  Latest,
  LatestValue,
  NewDevice,
} from './devices.ts'
export { ConnectionProblem, DeviceDiagnostics, FleetProblem } from './diagnostics.ts'
export { Enrolment } from './enrolments.ts'
export { Integration, IntegrationCreated, NewIntegration } from './integrations.ts'
export { LiveEvent, PollAnswer } from './live.ts'
export { DeviceSession, Presence, PresenceHistory, PresenceStatus } from './presence.ts'
export { Session, SignIn } from './session.ts'
export { Readiness } from './system.ts'
export {
  type BucketColumns,
  FleetReadings,
  FleetReadingsQuery,
  type Gap,
  type RawColumns,
  Readings,
  ReadingsQuery,
  RejectedMessage,
} from './telemetry.ts'
export { NewToken, Token, TokenCreated } from './tokens.ts'
export { CommandType, DeviceType, DeviceTypeBody, MetricType, Threshold, TypeName } from './types.ts'
