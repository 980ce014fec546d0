/** The page that says what was done, what was found, and what does not hold. */
import { describeMachine } from '../../bench/machine.ts'
import type { Section } from '../../bench/results.ts'
import type { Offence } from './compare.ts'
import { deviceIdOf } from './messages.ts'
import type { Outcome } from './run.ts'
import { type Happened, seconds } from './schedule.ts'

const MIB = 1024 ** 2

export interface ReportContext {
  /** As it was called: whoever reads it can do it again. */
  command: string
  machine: string
}

export function renderReport(outcome: Outcome, { command, machine }: ReportContext): string {
  const { findings, verdicts, keptFolder } = outcome
  const { plan, comparison, latency, loadMs } = findings
  const perSecond = comparison.acked / (loadMs / 1_000)
  const { spool } = findings
  const generatorMiB = findings.generatorBytes / MIB
  const failed = verdicts.filter(({ holds }) => !holds)
  const lines = [
    `# Ledger: ${failed.length === 0 ? 'every promise holds' : `${failed.length} of ${verdicts.length} do not hold`}`,
    '',
    `\`${command}\`, seed ${plan.seed}, begun ${findings.startedAt}`,
    `${machine}; PostgreSQL ${findings.postgres} (${findings.engine}); Redis ${plan.withRedis ? 'yes' : 'no'}`,
    '',
    `${plan.devices} devices, ${plan.rate} messages a second asked for, ${seconds(loadMs)}: ` +
      `${comparison.sent} sent, ${comparison.acked} acknowledged (${perSecond.toFixed(0)} a second), ` +
      `${comparison.storedRows} readings and ${comparison.rejectedRows} rejected messages stored.`,
    `Acknowledged after ${latency.p50Ms} ms (p50), ${latency.p99Ms} ms (p99), faults included. ` +
      `${findings.lost} connections ended by themselves${reasonsOf(findings.reasons)}. ` +
      `${comparison.repeated} messages without a ts stored more than once.`,
    `On the broker's own disk at most ${spool.messages} messages (${(spool.bytes / MIB).toFixed(1)} MiB), the oldest ` +
      `${seconds(spool.waitedMs)} old; never empty for ${seconds(spool.lastedMs)}. When the load was over it was ` +
      `empty after ${seconds(findings.drainedMs)}.`,
    `The generator: ${((100 * findings.cpuSeconds) / (loadMs / 1_000)).toFixed(0)} % of one core, ` +
      `${generatorMiB.toFixed(0)} MiB at most. Compared in ${seconds(findings.comparedMs)}.`,
    '',
    '| | promise | found | |',
    '|---|---|---|---|',
    ...verdicts.map(
      ({ promise, what, found, holds }) =>
        `| ${promise} | ${what} | ${found} | ${holds ? 'holds' : '**broken**'} |`,
    ),
    '',
    ...faultTable(findings.happened),
    ...troubles(outcome),
  ]
  if (keptFolder !== undefined) lines.push('', `Books and logs are kept in ${keptFolder}`)
  return `${lines.join('\n')}\n`
}

/** The page as a section of the benchmark results. */
export function soakSection({ findings, verdicts }: Outcome, page: string): Section {
  return {
    part: 'soak',
    engine: findings.engine,
    date: findings.startedAt.slice(0, 10),
    machine: describeMachine(),
    verdicts: verdicts.map(({ promise, what, found, holds }) => ({
      what: `${promise}: ${what}`,
      target: 'holds',
      measured: found,
      isMet: holds,
    })),
    // Its first line is a title.
    text: page.split('\n').slice(2).join('\n').trim(),
  }
}

function reasonsOf(reasons: ReadonlyMap<string, number>): string {
  if (reasons.size === 0) return ''
  return ` (${[...reasons].map(([reason, count]) => `${reason}: ${count}`).join(', ')})`
}

function faultTable(happened: readonly Happened[]): string[] {
  if (happened.length === 0) return ['No faults.']
  const kinds = groupByName(happened)
  return [
    `${happened.length} faults:`,
    '',
    '| fault | times | first acknowledged, slowest | most devices, p50 | slowest | all devices, slowest | to the database, p50 | slowest | API ready, slowest | longest pause | connections lost |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...[...kinds].map(([name, all]) => faultRow(name, all)),
  ]
}

function groupByName(happened: readonly Happened[]): Map<string, Happened[]> {
  const kinds = new Map<string, Happened[]>()
  for (const one of happened) kinds.set(one.name, [...(kinds.get(one.name) ?? []), one])
  return kinds
}

function faultRow(name: string, all: readonly Happened[]): string {
  const [firsts, mosts, alls, directs, readies] = [
    sorted(all.map(({ recovery }) => recovery.firstMs)),
    sorted(all.map(({ recovery }) => recovery.mostMs)),
    sorted(all.map(({ recovery }) => recovery.allMs)),
    sorted(all.map(({ directMs }) => directMs)),
    sorted(all.map(({ readyMs }) => readyMs)),
  ]
  const pause = all.reduce((most, { recovery }) => Math.max(most, recovery.pauseMs), 0)
  const lost = all.reduce((sum, one) => sum + one.lost, 0)
  const cells = [
    name,
    String(all.length),
    seconds(firsts.at(-1)),
    seconds(mosts[mosts.length >> 1]),
    seconds(mosts.at(-1)),
    seconds(alls.at(-1)),
    seconds(directs[directs.length >> 1]),
    seconds(directs.at(-1)),
    seconds(readies.at(-1)),
    seconds(pause),
    String(lost),
  ]
  return `| ${cells.join(' | ')} |`
}

/** Never is the longest. */
function sorted(times: readonly (number | undefined)[]): (number | undefined)[] {
  const last = Number.POSITIVE_INFINITY
  return times
    .map((ms) => ms ?? last)
    .sort((a, b) => a - b)
    .map((ms) => (ms === last ? undefined : ms))
}

function troubles({ findings }: Outcome): string[] {
  const { comparison, unexpected, answers, happened, astray } = findings
  const notDone = happened.filter(({ failure }) => failure !== undefined)
  return [
    ...section(
      'Messages',
      comparison.offences.map((offence) => describe(offence, happened)),
    ),
    ...section('Programs', unexpected),
    ...section('Answers', answers),
    ...section('On disk though no fault was near', astray),
    ...section(
      'Faults that could not be done',
      notDone.map(({ name, atMs, failure }) => `${seconds(atMs)}: ${name}: ${failure}`),
    ),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines.map((line) => `- ${line}`)]
}

function describe(
  { is, device, n, kind, qos, sentAtMs, ackedAtMs, detail }: Offence,
  happened: Happened[],
): string {
  const who = device < 0 ? 'nobody' : deviceIdOf(device)
  const which = n === undefined ? '' : `, message ${n} (${kind}, QoS ${qos})`
  const near = happened
    .filter(
      ({ atMs, tookMs }) =>
        sentAtMs !== undefined && sentAtMs > atMs - 1_000 && sentAtMs < atMs + tookMs + 10_000,
    )
    .map(({ name, atMs }) => `${name} at ${seconds(atMs)}`)
  const times = `sent ${seconds(sentAtMs)}, acknowledged ${seconds(ackedAtMs)}`
  return `${is}: ${who}${which}; ${times}${near.length > 0 ? `; near ${near.join(', ')}` : ''}; ${detail}`
}
