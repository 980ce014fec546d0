/** Every bound of the simulator, and why it is what it is. */

/** Above this one process has neither the sockets nor the CPU to be a believable fleet. */
export const devicesMax = 20_000
/** A timer finer than this fires late, and the fleet would no longer keep the rate it was asked for. */
export const intervalMinMs = 10
export const intervalMaxMs = 24 * 3_600_000

/** Registration is a few milliseconds of API work each; more at once only queues there. */
export const registrationsAtOnceMax = 8
export const httpTimeoutMs = 10_000
/** Answers 429 and 503 are retried; a server that still says no after these is not going to say yes. */
export const httpAttemptsMax = 5

/** Connects a second at start: a thundering herd is the broker's problem in a test of its own, not in every run. */
export const connectsPerSecondMax = 500
export const connectTimeoutMs = 15_000
export const keepAliveSeconds = 30
export const reconnectMinMs = 500
export const reconnectMaxMs = 20_000

/** Unacknowledged telemetry messages; beyond it new readings join the backlog, as with no connection at all. */
export const inFlightMax = 32
/** Readings kept while offline (an hour at one a few seconds); the oldest go first, as on a small device. */
export const backlogReadingsMax = 1_000
/** The contract allows 256 metrics a message; a backlog message stays under it with some air. */
export const backlogMetricsPerMessageMax = 240

/** Command ids remembered, so that a redelivered command is answered and not executed again. */
export const commandIdsMax = 500
/** Commands being executed by one device at a time; one more is rejected as busy. */
export const commandsAtOnceMax = 8

/** A supervisor gives us this long between the signal and the kill. */
export const stopDeadlineMs = 2_500
