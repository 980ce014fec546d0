/** The results of what is live: P3 and P8, as sections of the page. */

import { LOAD_DEVICES, LOAD_MESSAGES_PER_SECOND } from './live-stack.ts'
import { coresUsed, listViolations, milliseconds, ratio, table, thousands } from './markdown.ts'
import { median } from './p1-ingest.ts'
import { LIVE_SIDES, type LiveResult, type LiveRun, type Spread } from './p3-live.ts'
import { COMMAND_SIDES, type CommandRun, type CommandsResult, END, STEPS, type Step } from './p8-commands.ts'
import { sayOthers } from './report.ts'
import type { Section, Verdict } from './results.ts'

type Findings = Pick<Section, 'verdicts' | 'text'>

const EVENT_P50_TARGET_MS = 10
const EVENT_P99_TARGET_MS = 50
const COMMAND_P50_TARGET_MS = 10

export function atMostMs(what: string, ms: number, targetMs: number): Verdict {
  return { what, target: `≤ ${targetMs} ms`, measured: `${milliseconds(ms)} ms`, isMet: ms <= targetMs }
}

const spreadCells = ({ p50Ms, p90Ms, p99Ms, maxMs }: Spread) => [p50Ms, p90Ms, p99Ms, maxMs].map(milliseconds)

const LOAD = `${thousands(LOAD_MESSAGES_PER_SECOND)} messages a second of ${LOAD_DEVICES} other devices,
five metrics each, QoS 1, sent in an open loop`

export function reportLive({ rounds, violations }: LiveResult): Findings {
  const medianOf = (side: number, of: (run: LiveRun) => number) =>
    median(rounds.map((runs) => of(runs[side] as LiveRun))) ?? Number.NaN
  const loaded = LIVE_SIDES.flatMap((side, place) => (side.isLoaded ? [{ ...side, place }] : []))
  return {
    verdicts: loaded.flatMap(({ name, place }) => [
      atMostMs(
        `publish → event, ${name}, p50`,
        medianOf(place, ({ event }) => event.p50Ms),
        EVENT_P50_TARGET_MS,
      ),
      atMostMs(
        `publish → event, ${name}, p99`,
        medianOf(place, ({ event }) => event.p99Ms),
        EVENT_P99_TARGET_MS,
      ),
    ]),
    text: [
      `One device sends about fifty messages a second (QoS 1, at moments that fall into step with nothing); a reader has
its stream open over HTTP and parses every event. Both are one process, on one clock. Timed from before the message is
written to the socket to when the bytes that end its event are read; and of the same message to when its PUBACK is read,
which is after the commit. Alone, and with ${LOAD};
sides in turns, every second round the other way round.
Targets hold for the medians of the rounds.`,
      eventTable(rounds),
      shareTable(rounds),
      violations.length > 0
        ? listViolations(violations)
        : `Every message arrived once, and after every run the database held exactly the readings of the others that
were acknowledged.`,
      sayOthers(rounds.flat().map(({ cores }) => cores)),
    ].join('\n\n'),
  }
}

function eventTable(rounds: readonly (readonly LiveRun[])[]): string {
  return table(
    ['round', 'side', 'messages', 'event p50 ms', 'p90', 'p99', 'max', 'PUBACK p50 ms', 'p90', 'p99', 'max'],
    rounds.flatMap((runs, round) =>
      runs.map(({ messages, event, puback }, side) => [
        String(round + 1),
        LIVE_SIDES[side]?.name ?? '',
        thousands(messages),
        ...spreadCells(event),
        ...spreadCells(puback),
      ]),
    ),
  )
}

function shareTable(rounds: readonly (readonly LiveRun[])[]): string {
  return table(
    [
      'round',
      'side',
      'event ÷ PUBACK, median',
      'events of others',
      "others' PUBACK p50 ms",
      'p99',
      'cores used',
    ],
    rounds.flatMap((runs, round) =>
      runs.map(({ eventToPuback, otherEvents, beside, cores }, side) => [
        String(round + 1),
        LIVE_SIDES[side]?.name ?? '',
        ratio(eventToPuback),
        thousands(otherEvents),
        beside ? milliseconds(beside.latencyP50Ms) : '–',
        beside ? milliseconds(beside.latencyP99Ms) : '–',
        coresUsed(cores),
      ]),
    ),
  )
}

export function reportCommands({ rounds, violations }: CommandsResult): Findings {
  const medianOf = (side: number, step: Step) =>
    median(rounds.map((runs) => runs[side]?.steps[step]?.p50Ms)) ?? Number.NaN
  return {
    verdicts: COMMAND_SIDES.map((name, side) =>
      atMostMs(`command → \`succeeded\`, ${name}, p50`, medianOf(side, END), COMMAND_P50_TARGET_MS),
    ),
    text: [
      `A page sends a command over its WebSocket, the device acknowledges it and replies at once, and the page gets the
frame that says \`succeeded\`. One at a time, some ${COMMANDS_PER_SECOND} a second. Page and device are one process,
on one clock; times are since the page's frame was sent. A status that is old news by the time it could be told is not
told. Alone, and with ${LOAD};
sides in turns, every second round the other way round. The target holds for the median of the rounds.`,
      ...rounds.map(commandTable),
      table(
        ['round', 'side', "others' PUBACK p50 ms", 'p99', 'cores used'],
        rounds.flatMap((runs, round) =>
          runs.map(({ beside, cores }, side) => [
            String(round + 1),
            COMMAND_SIDES[side] ?? '',
            beside ? milliseconds(beside.latencyP50Ms) : '–',
            beside ? milliseconds(beside.latencyP99Ms) : '–',
            coresUsed(cores),
          ]),
        ),
      ),
      violations.length > 0 ? listViolations(violations) : 'Every command succeeded.',
      sayOthers(rounds.flat().map(({ cores }) => cores)),
    ].join('\n\n'),
  }
}

const COMMANDS_PER_SECOND = 10

function commandTable(runs: readonly CommandRun[], round: number): string {
  const rows = runs.flatMap(({ steps }, side) =>
    STEPS.flatMap((step) => {
      const found = steps[step]
      return found
        ? [
            [
              String(round + 1),
              COMMAND_SIDES[side] ?? '',
              step,
              thousands(found.count),
              ...spreadCells(found),
            ],
          ]
        : []
    }),
  )
  return table(['round', 'side', 'reached', 'commands', 'p50 ms', 'p90', 'p99', 'max'], rows)
}
