/** The results of P1 with Redis and of several brokers, as sections of the page. */
import { COUNTS, type WatchedRounds } from './brokers.ts'
import { coresUsed, listViolations, ratio, table, thousands } from './markdown.ts'
import { FIFTY_BY_FIFTY, type Run } from './p1-ingest.ts'
import { REDIS_SIDES, type RedisShape } from './p1-redis.ts'
import { AS_ACKNOWLEDGED, sayNoise } from './report.ts'
import type { Section } from './results.ts'
import { medianRatio, type Rounds } from './rounds.ts'

type Findings = Pick<Section, 'verdicts' | 'text'>

export interface Context {
  seconds: number
  violations: string[]
}

/** No stage beside storing may take more than a tenth: neither Redis nor the gate. */
export const SHARE_TARGET = 0.9

const HEADER = ['msg/s', 'p50 ms', 'p99 ms', 'cores used']

function cells({ messagesPerSecond, latencyP50Ms, latencyP99Ms, cores }: Run): string[] {
  return [thousands(messagesPerSecond), latencyP50Ms.toFixed(1), latencyP99Ms.toFixed(1), coresUsed(cores)]
}

export function roundsTable(rounds: Rounds, names: readonly string[]): string {
  const rows = rounds.flatMap((runs, round) =>
    runs.map((run, side) => [String(round + 1), names[side] ?? '', ...cells(run)]),
  )
  return table(['round', 'broker', ...HEADER], rows)
}

export function soundness(runs: readonly Run[], violations: readonly string[]): string[] {
  return [violations.length > 0 ? listViolations(violations) : AS_ACKNOWLEDGED, sayNoise(runs)]
}

export const atLeast = (what: string, measured: number) => ({
  what,
  target: `≥ ${SHARE_TARGET}`,
  measured: ratio(measured),
  isMet: measured >= SHARE_TARGET,
})

export const LOAD = `${FIFTY_BY_FIFTY.connections} × ${FIFTY_BY_FIFTY.window}`
export const inTurns = (seconds: number) =>
  `${seconds} s a run after a warm-up of 2 s, the runs of a round in turns, every second round the other way round`

export function reportRedis(shapes: RedisShape[], { seconds, violations }: Context): Findings {
  const named = shapes.map(({ shape, rounds }) => ({
    name: `${shape.connections} × ${shape.window}`,
    rounds,
    measured: medianRatio(rounds, 1, 0),
  }))
  return {
    verdicts: named.map(({ name, measured }) =>
      atLeast(`messages with sessions in Redis ÷ in the broker's own folder, ${name}`, measured),
    ),
    text: [
      `The load of P1 on two brokers of one database,
${inTurns(seconds)}:
one keeps its sessions in its own folder (as P1 measures it), one in a Redis on this machine that stores nothing on
disk. Times P1's ratio, this gives the ratio to mosquitto. Target: median ratio ≥ ${SHARE_TARGET}.`,
      ...named.flatMap(({ name, rounds, measured }) => [
        `### ${name}, sessions in`,
        roundsTable(rounds, REDIS_SIDES),
        `Median ratio: **${ratio(measured)}**`,
      ]),
      ...soundness(
        shapes.flatMap(({ rounds }) => rounds.flat()),
        violations,
      ),
    ].join('\n\n'),
  }
}

export function reportBrokers(watched: WatchedRounds[], { seconds, violations }: Context): Findings {
  return {
    verdicts: [],
    text: [
      `The load of P1 (${LOAD} in all) spread over one, two and three brokers with one database and one Redis,
${inTurns(seconds)}. A subscriber at broker 1 watches with QoS 0:
one device, which with two brokers or three is at broker 2, or every device; or nobody does. Received: messages that
reached it ÷ messages acknowledged. The CPU of the watcher is that of the bench. Brokers, database and load share the
cores: more brokers can only use what one leaves idle. There is no target.`,
      ...watched.flatMap((part) => [`### Watched: ${part.who}`, brokersTable(part), sayRatios(part)]),
      ...soundness(
        watched.flatMap(({ rounds }) => rounds.flat()),
        violations,
      ),
    ].join('\n\n'),
  }
}

function brokersTable({ rounds, received, isWatched }: WatchedRounds): string {
  const share = (side: number, round: number) => {
    const value = received[side]?.[round]
    return isWatched && value !== undefined ? [`${(100 * value).toFixed(1)} %`] : ['–']
  }
  const rows = rounds.flatMap((runs, round) =>
    runs.map((run, side) => [
      String(round + 1),
      String(COUNTS[side]),
      ...cells(run),
      ratio(run.messagesPerSecond / (runs[0]?.messagesPerSecond ?? Number.NaN)),
      ...share(side, round),
    ]),
  )
  return table(['round', 'brokers', ...HEADER, 'to one', 'received'], rows)
}

function sayRatios({ rounds }: WatchedRounds): string {
  const ratios = COUNTS.slice(1).map(
    (count, i) => `${count} brokers ÷ 1: **${ratio(medianRatio(rounds, i + 1, 0))}**`,
  )
  return `Median ratios: ${ratios.join(', ')}`
}
