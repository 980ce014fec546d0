import { brokerLimits } from './limits-broker.ts'
import { storageLimits } from './limits-storage.ts'

/**
 * Every bound of the platform, with its reason. What a device may meet (payload sizes, names) stands in the broker's
 * contract; what people may ask for stands in the API's schemas. Units are the last word of each name.
 */
export const limits = {
  ...storageLimits,
  ...brokerLimits,
  enrolments: {
    /** Unknown devices that wait to be let in: more than anybody would look through. */
    waitingMax: 1_000,
    /** A rejected device may ask again after this, not every second. */
    rejectedHours: 24,
    /** One that waits and has not asked again for so long is forgotten. */
    waitingDays: 30,
  },
  certificates: {
    /** Renewed once in a while, the old one works beside the new one until it ends or is revoked. */
    activePerDeviceMax: 10,
  },
  problems: {
    /** What a client brings along is cut to this before it is kept. */
    nameCharsMax: 128,
    detailCharsMax: 500,
    /** The same problem of the same device and address within this counts up instead of taking a row. */
    sameWithinMinutes: 10,
    /** Different ones kept between two writes; beyond, a flood is only counted. */
    gatheredMax: 1_000,
    flushMs: 1_000,
    pruneMs: 60_000,
    perDeviceMax: 50,
    /** Of all ids that nobody registered, and of clients without any, together. */
    strangersMax: 5_000,
    keptDays: 30,
    /** Log lines of each code; the rest is counted in one line. */
    logLinesPerMinute: 10,
  },
  people: {
    /** How long a link for a new user, or a reset one, signs in: a weekend. */
    linkHours: 72,
    /** After signing in by a link, so long a password may be chosen without the current one. */
    choosePasswordMinutes: 60,
    /** Signed-in browsers of one user; a further one ends the one without use the longest. */
    sessionsPerUserMax: 50,
    /** NIST SP 800-63B: length is what counts; no rules of composition. */
    passwordCharsMin: 10,
    passwordCharsMax: 256,
  },
  commands: {
    /** One command in flight per device keeps their order; the rest wait in their rows. */
    inFlightPerDeviceMax: 1,
    queuedPerDeviceMax: 100,
    sweepMs: 500,
    replyBytesMax: 64 * 1024,
    /** PostgreSQL takes deeper JSON than our own stack can write. */
    replyLevelsMax: 32,
    /** Of so many devices one sweep asks whether a nudge was lost; of the others the next ones do. */
    sweptDevicesMax: 2_000,
    /** Ended by one statement; a sweep goes on until none is left. */
    overdueMax: 1_000,
    /** More progress than this changes the row but is not kept as history. */
    progressEventsMax: 100,
    /** Replies kept of a command that was over when they came. */
    lateRepliesMax: 5,
    /** The database's clock and ours differ by more than this within a sweep: its clock was set. */
    clockJumpMs: 1_000,
  },
  commandBatches: {
    /** Made in under a minute at the pace below; more is told apart by tags or types. */
    devicesMax: 10_000,
    /**
     * Of all batches and all APIs together. Each command is some six writes and as many messages until it is answered:
     * what a small machine does beside its readings.
     */
    commandsPerSecond: 200,
    /** Made in one turn, one after the other on one connection, so that nobody else waits for them. */
    turnCommandsMax: 10,
    /** Cancelled in one turn after a stop. */
    turnCancelsMax: 50,
    /**
     * Of the runner alone: one holds the turn, one makes its commands. Whatever waits for the end of a turn, on however
     * many connections of the API, does not keep it from ending.
     */
    connectionsMax: 2,
    /** How long a stop waits for the end of a turn. */
    stopWaitMs: 2_000,
    /** How often a new batch is looked for. */
    idleMs: 500,
    retryDelayMinMs: 500,
    retryDelayMaxMs: 5_000,
  },
  boards: {
    /** More than anybody looks at; enough for one per device of a small plant. */
    perOwnerMax: 200,
    /** Fifty panels with the longest names there are take less; command panels with huge params do not. */
    panelsBytesMax: 128 * 1024,
  },
  service: {
    /** Contract: Ctrl-C ends everything within 10 s. */
    stopDeadlineMs: 9_000,
    programStopDeadlineMs: { 'device-simulator': 1_500, api: 2_500, broker: 4_500 },
    /** How soon a dead embedded database is noticed. */
    databaseCheckMs: 1_000,
    parentCheckMs: 500,
    /** A start that is under way when a signal comes may end by itself for so long. */
    startGraceMs: 1_000,
    /** A second signal so long after the first ends a program at once; sooner, it is the same key press. */
    repeatedSignalMs: 1_000,
  },
  database: {
    connectTimeoutMs: 5_000,
    /** A machine that starts everything at once has its database up by then. Longer is the supervisor's to wait. */
    startWaitMs: 60_000,
    startRetry: { minMs: 100, maxMs: 1_000 },
    statementTimeoutMs: 15_000,
    /** A connection that says nothing for so much longer than a statement may take is given up. */
    silentBeyondStatementMs: 3_000,
  },
} as const

// Relations the code relies on; a change that breaks one fails at import.
const stopTimes = Object.values(limits.service.programStopDeadlineMs)
assertRelation(
  stopTimes.reduce<number>((sum, ms) => sum + ms, 0) < limits.service.stopDeadlineMs,
  'all programs can be stopped before the deadline',
)
assertRelation(limits.writer.batchRowsMax <= limits.writer.pendingRowsMax, 'a full batch fits the queue')
assertRelation(
  limits.rollups.lateAfterMs + limits.rollups.commitWithinMs + limits.database.statementTimeoutMs <
    limits.rollups.settleMs,
  'a reading that rollups could miss is noted as late',
)
assertRelation(
  2 * limits.history.seriesMax < limits.exports.sliceRows,
  'all readings of one instant fit into a slice of an export',
)
assertRelation(
  limits.history.seriesMax * 10 <= limits.history.answerPointsMax,
  'every series of an answer has room for points',
)
assertRelation(
  limits.rollups.noteTrustedMs + limits.rollups.commitWithinMs < limits.rollups.noteRestsMs,
  'a note outlives every batch that relies on it',
)
assertRelation(
  limits.admission.signIns.holdMsMax < limits.admission.signIns.forgetMs,
  'failures are remembered longer than they make anybody wait',
)
assertRelation(limits.writer.retryDelayMinMs <= limits.writer.retryDelayMaxMs, 'back-off grows')

function assertRelation(holds: boolean, what: string): void {
  if (!holds) throw new Error(`limits.ts: ${what} no longer holds`)
}
