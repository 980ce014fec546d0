/** The same load on one thing and another in turns, so that a machine that drifts does so under all of them. */
import { median, type Run } from './p1-ingest.ts'

export interface Side {
  name: string
  run(): Promise<Run>
}

/** Rounds of one run of each side, in the order of the sides. */
export type Rounds = Run[][]

/** Every second round the other way round: who runs first has no advantage, and no disadvantage. */
export async function runRounds(
  sides: readonly Side[],
  { what, rounds, log }: { what: string; rounds: number; log(line: string): void },
): Promise<Rounds> {
  const done: Rounds = []
  for (let round = 0; round < rounds; round++) {
    const runs: Run[] = []
    const order = round % 2 === 0 ? [...sides.keys()] : [...sides.keys()].reverse()
    for (const place of order) runs[place] = await (sides[place] as Side).run()
    done.push(runs)
    const rates = sides.map(({ name }, i) => `${name} ${Math.round(runs[i]?.messagesPerSecond ?? 0)}`)
    log(`${what}, round ${round + 1}: ${rates.join(', ')} msg/s`)
  }
  return done
}

/** Messages of one side ÷ those of another in the same round: the median of the rounds. */
export function medianRatio(rounds: Rounds, over: number, under: number): number {
  const ratios = rounds.map((runs) => rateOf(runs, over) / rateOf(runs, under))
  return median(ratios) ?? Number.NaN
}

function rateOf(runs: readonly Run[], side: number): number {
  return runs[side]?.messagesPerSecond ?? Number.NaN
}
