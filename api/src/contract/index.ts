export { AuditEntry, AuditQuery } from './audit.ts'
export { Board, BoardChange, BoardQuery, BoardSummary, NewBoard, Panel } from './boards.ts'
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
  DevicesChange,
  DevicesChanged,
  FleetSummary,
  Latest,
  LatestValue,
  NewDevice,
} from './devices.ts'
export { ConnectionProblem, DeviceDiagnostics, FleetProblem } from './diagnostics.ts'
export { Enrolment } from './enrolments.ts'
export {
  FleetAlarms,
  FleetDays,
  FleetFacets,
  FleetIndex,
  FleetQuery,
  FleetSparklines,
} from './fleet.ts'
export { Integration, IntegrationCreated, NewIntegration } from './integrations.ts'
export { LiveEvent, PollAnswer } from './live.ts'
export { DeviceSession, Presence, PresenceHistory, PresenceStatus } from './presence.ts'
export { Session, SignIn } from './session.ts'
export { Settings } from './settings.ts'
export { Readiness, RejectedSummary, Spool, SystemNow } from './system.ts'
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
export {
  NewUser,
  OwnSession,
  PasswordChange,
  SignInLink,
  User,
  UserChange,
  UserWithLink,
} from './users.ts'
