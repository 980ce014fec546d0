/** The results of the ledger as a section of the page. */
import { GATE_SIDES, type LedgerResult } from './ledger.ts'
import { ratio, table, thousands } from './markdown.ts'
import { median } from './p1-ingest.ts'
import { CONNECTS_AT_ONCE } from './p5-devices.ts'
import { GROUP_NAMES, type Profiled } from './profile.ts'
import {
  atLeast,
  type Context,
  inTurns,
  LOAD,
  roundsTable,
  SHARE_TARGET,
  soundness,
} from './report-broker.ts'
import type { Section } from './results.ts'
import { medianRatio } from './rounds.ts'

type Findings = Pick<Section, 'verdicts' | 'text'>

export function reportLedger(
  { gate, profiled, connects }: LedgerResult,
  { seconds, violations }: Context,
): Findings {
  const measured = medianRatio(gate, 0, 1)
  const runs = [...gate.flat(), ...profiled.map(({ run }) => run)]
  return {
    verdicts: [atLeast('messages with ÷ without the gate', measured)],
    text: [
      `The load of P1 (${LOAD}), ${inTurns(seconds)}.`,
      '### The gate, by leaving it out',
      `The broker as built, and one from the same sources in which \`broker/src/gate/gates.ts\` lets every byte through
unchecked. Target: median ratio ≥ ${SHARE_TARGET}.`,
      roundsTable(gate, GATE_SIDES),
      `Median ratio: **${ratio(measured)}**`,
      "### All stages, by a profile of the broker's main thread",
      `Samples every 0.5 ms, by source file; what Node.js does for a function counts as that function's, and what V8 has
inlined may count as its caller's. Messages: the measured span of ${profiled.length} runs, each of a fresh broker.
Connects: while ${thousands(connects.storm.connected)} devices sign in at a fresh broker, ${CONNECTS_AT_ONCE} at a time.
Shares are of the time in which the thread was busy. Threads of their own (file system, embedded session store) are not
in it.`,
      sharesTable(profiled, connects),
      sayCores(profiled),
      'The files with the most, messages:',
      filesTable(profiled),
      'The files with the most, connects:',
      filesTable([connects]),
      ...soundness(runs, violations),
    ].join('\n\n'),
  }
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

function sharesTable(profiled: readonly Profiled[], connects: Profiled): string {
  const rows = GROUP_NAMES.map((name) => {
    const shares = profiled.map(({ shares }) => shares[name] ?? 0)
    const ofConnects = percent(connects.shares[name] ?? 0)
    return [name, percent(median(shares) ?? 0), shares.map(percent).join(', '), ofConnects]
  })
  return table(['stage', 'messages', 'of each run', 'connects'], rows)
}

function sayCores(profiled: LedgerResult['profiled']): string {
  const cores = profiled.map(
    ({ run }) => `${(run.cores.broker ?? 0).toFixed(2)} cores at ${thousands(run.messagesPerSecond)} msg/s`,
  )
  return `With messages the broker, all its threads together, used ${cores.join('; ')}.`
}

const FILES_MAX = 15

function filesTable(profiled: readonly Profiled[]): string {
  const names = [...new Set(profiled.flatMap(({ files }) => Object.keys(files)))]
  const rows = names
    .map((name) => ({ name, share: median(profiled.map(({ files }) => files[name] ?? 0)) ?? 0 }))
    .sort((a, b) => b.share - a.share)
    .slice(0, FILES_MAX)
  return table(
    ['file', 'share'],
    rows.map(({ name, share }) => [name, percent(share)]),
  )
}
