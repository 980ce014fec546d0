export {
  type CommandPayload,
  type ConnectionCount,
  type PresencePayload,
  type PresenceReason,
  type ProblemCounts,
  payloadLimits,
  presenceReasons,
  type RejectedPayload,
  type ReplyPayload,
  type ReplyStatus,
  replyStatuses,
  type SpoolState,
  type StampedReading,
  type TotalsPayload,
  type Value,
} from './payloads.ts'
export { causeOf, type ProblemCode, problemCauses } from './problems.ts'
export {
  filterIsOwn,
  filterMatches,
  filters,
  isDeviceId,
  isUnderDevices,
  type PlatformKind,
  parseTopic,
  type Topic,
  topics,
} from './topics.ts'
