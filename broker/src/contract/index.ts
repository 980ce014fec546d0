export {
  type CommandPayload,
  type PresencePayload,
  type PresenceReason,
  payloadLimits,
  presenceReasons,
  type RejectedPayload,
  type ReplyPayload,
  type ReplyStatus,
  replyStatuses,
  type StampedReading,
  type TotalsPayload,
  type Value,
} from './payloads.ts'
export {
  filterIsOwn,
  filterMatches,
  filters,
  isDeviceId,
  type PlatformKind,
  parseTopic,
  type Topic,
  topics,
} from './topics.ts'
