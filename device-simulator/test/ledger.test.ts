import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeMachine } from '../bench/machine.ts'
import { quickFaults } from './ledger/faults-quick.ts'
import { renderReport } from './ledger/report.ts'
import { runLedger } from './ledger/run.ts'
import { eachOnce } from './ledger/schedule.ts'

/** Of the load at least: it goes on until each fault was done. What comes before and after takes some 15 s more. */
const DURATION_MS = 30_000
const seed = Number(process.env.TELLTALE_TEST_SEED ?? randomInt(2 ** 31))
const WALL_CLOCK_MS = 110_000

it(
  'R-LEDGER-10: a minute of everything that goes wrong: nothing acknowledged is lost, nothing is there twice or invented',
  async () => {
    console.info(`ledger: TELLTALE_TEST_SEED=${seed}`)
    const lines: string[] = []
    const plan = {
      ...{ seed, durationMs: DURATION_MS, devices: 50, rate: 500 },
      ...{ serverUrl: undefined, withRedis: false },
    }
    const { findings, verdicts, keptFolder } = await runLedger(
      { ...plan, faults: quickFaults, steps: eachOnce(quickFaults, seed) },
      { say: (line) => lines.push(line), signal: new AbortController().signal },
    )
    const page = renderReport(
      { findings, verdicts, keptFolder },
      { command: `TELLTALE_TEST_SEED=${seed} npm test -- ledger`, machine: describeMachine() },
    )
    const broken = verdicts.filter(({ holds }) => !holds)
    expect(broken, `${page}\n${lines.join('\n')}`).toEqual([])
    expect(findings.happened).toHaveLength(quickFaults.length)
    expect(findings.comparison.acked).toBeGreaterThan(5_000)
    expect(keptFolder).toBeUndefined()
  },
  WALL_CLOCK_MS,
)
