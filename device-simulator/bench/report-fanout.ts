/** The results of P4 and of the sweep of readers, as sections of the page. */
import { PARSERS } from './live-stack.ts'
import { coresUsed, listViolations, milliseconds, ratio, table, thousands } from './markdown.ts'
import { type FanResult, isSustained } from './p4-fanout.ts'
import { READER_MESSAGES_PER_SECOND, type ReadersCost, type ReadersResult } from './readers.ts'
import { sayOthers } from './report.ts'
import type { Section, Verdict } from './results.ts'

type Findings = Pick<Section, 'verdicts' | 'text'>

const EVENTS_TARGET = 200_000
const MEMORY_TARGET_KB = 20
/** As in the sweep of storage. */
const FLAT_MAX = 1.5

export function reportFanout({ readers, shapes, idle, violations }: FanResult): Findings {
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} KB`
  return {
    verdicts: [
      ...shapes.map(
        ({ shape, medianSustained }): Verdict => ({
          what: `events/s to ${thousands(readers)} readers, ${shape.name}`,
          target: `≥ ${thousands(EVENTS_TARGET)}`,
          measured: thousands(medianSustained),
          isMet: medianSustained >= EVENTS_TARGET,
        }),
      ),
      ...idle.map(
        ({ readers: present, perReader }): Verdict => ({
          what: `memory of an idle reader, ${thousands(present)} of them`,
          target: `≤ ${MEMORY_TARGET_KB} KB`,
          measured: kilobytes(perReader.rssBytes),
          isMet: perReader.rssBytes / 1_000 <= MEMORY_TARGET_KB,
        }),
      ),
    ],
    text: [
      `${thousands(readers)} HTTP streams of many users and addresses, all in one process; ${PARSERS} of them,
spread over all, parse every event and hold it against the one before, the others count. Devices send with QoS 1 in an
open loop; the rate is raised step by step until, in the measured span, less than 98 % of the events arrive, or p99 is
above a second, or one never arrives (a slow reader gets the newest values only), twice. Sustained is what the highest
step before delivered. Latency is from publish to event, at those who parse. The readers' process shares the cores.`,
      ...shapes.flatMap(({ shape, rounds, medianSustained }) => [
        `### ${shape.name}`,
        stepTable(rounds),
        `Sustained, median: **${thousands(medianSustained)} events/s**`,
      ]),
      '### Idle readers',
      table(
        ['readers', 'opened in', 'resident', 'JavaScript heap', 'buffers'],
        idle.map(({ readers: present, openSeconds, perReader }) => [
          thousands(present),
          `${openSeconds.toFixed(1)} s`,
          kilobytes(perReader.rssBytes),
          kilobytes(perReader.heapBytes),
          kilobytes(perReader.externalBytes),
        ]),
      ),
      `Of each reader: what the API gained since a crowd before them had come and gone, after three full garbage
collections a second apart. What the kernel holds for a socket is not in it.`,
      violations.length > 0
        ? listViolations(violations)
        : 'In every step that counts as sustained each reader got every event, and those who parse got them in order.',
      sayOthers(
        shapes.flatMap(({ rounds }) => rounds.flatMap(({ steps }) => steps.map(({ cores }) => cores))),
      ),
    ].join('\n\n'),
  }
}

function stepTable(rounds: FanResult['shapes'][number]['rounds']): string {
  const header = [
    'round',
    'msg/s',
    'events/s offered',
    'delivered',
    'missing',
    'p50 ms',
    'p99 ms',
    'sustained',
  ]
  return table(
    [...header, 'cores used'],
    rounds.flatMap(({ steps }, round) =>
      steps.map((step) => [
        String(round + 1),
        thousands(step.messagesPerSecond),
        thousands(step.offeredPerSecond),
        thousands(step.deliveredPerSecond),
        thousands(step.missing),
        milliseconds(step.latencyP50Ms),
        milliseconds(step.latencyP99Ms),
        isSustained(step) ? 'yes' : 'no',
        coresUsed(step.cores),
      ]),
    ),
  )
}

export function reportReaders({ costs, violations }: ReadersResult): Findings {
  const [fewest, ...more] = costs.filter(({ others }) => others === 0)
  const among = costs.find(({ others }) => others > 0)
  const cost = (point: ReadersCost | undefined) => point?.apiUsPerEvent ?? Number.NaN
  const growth = (point: ReadersCost | undefined) => cost(point) / cost(fewest)
  return {
    verdicts: [
      flat('API CPU of one more event: most times ×1 with more readers', Math.max(...more.map(growth))),
      flat('API CPU of one more event: among readers of another device ÷ without', growth(among)),
      flat(
        'broker CPU of a message: many watch ÷ one watches, at most',
        Math.max(...costs.map(({ brokerRatio }) => brokerRatio)),
      ),
    ],
    text: [
      `Two devices take turns of a second, each with ${READER_MESSAGES_PER_SECOND} messages a second and QoS 1: one is
watched by all who are counted, one by a single reader. What a message costs the API in the turns of the first beyond
those of the second, divided by the events beyond the first one, is the cost of one more event. In brackets the ratio to
the fewest readers. The others watch a device that is silent. Medians of the rounds, every second round the other way
round.`,
      table(
        [
          'readers',
          'others',
          'events/s',
          'API µs one more event',
          'API µs an event in all',
          'broker µs a message',
          'many ÷ one',
          'p50 ms',
          'p99 ms',
        ],
        costs.map((point) => [
          thousands(point.readers),
          thousands(point.others),
          thousands(point.eventsPerSecond),
          `${cost(point).toFixed(1)} (${ratio(growth(point))})`,
          point.apiUsPerEventInAll.toFixed(1),
          point.brokerUsPerMessage.toFixed(0),
          ratio(point.brokerRatio),
          milliseconds(point.latencyP50Ms),
          milliseconds(point.latencyP99Ms),
        ]),
      ),
      violations.length > 0
        ? listViolations(violations)
        : 'Every reader got every event, and those who parse got them in order.',
    ].join('\n\n'),
  }
}

function flat(what: string, measured: number): Verdict {
  return { what, target: `≤ ${FLAT_MAX}`, measured: ratio(measured), isMet: measured <= FLAT_MAX }
}
