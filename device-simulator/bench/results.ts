/**
 * What was measured, part by part and engine by engine, in results.json; results.md is rendered from it. A run of
 * some parts replaces those and leaves the others as they were, each with its own date and machine.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { table } from './markdown.ts'
import type { EngineName } from './servers.ts'

export const PARTS = [
  'p1',
  'p1-redis',
  'brokers',
  'ledger',
  'p2',
  'p3',
  'p4',
  'p5',
  'p6',
  'p7',
  'p8',
  'p9',
  'readers',
  'sweep',
] as const

/** Measured elsewhere: `npx pnpm ledger --results`. */
export type Part = (typeof PARTS)[number] | 'soak'
const PLACES: readonly Part[] = [...PARTS, 'soak']

/** One target, held against what was measured. */
export interface Verdict {
  what: string
  target: string
  measured: string
  isMet: boolean
}

export interface Section {
  part: Part
  engine: EngineName
  date: string
  machine: string
  verdicts: Verdict[]
  /** Markdown. */
  text: string
}

/** The same files from bench/ and from the bundle in dist/. */
const STORE = new URL('../bench/results.json', import.meta.url)
const PAGE = new URL('../bench/results.md', import.meta.url)

export async function saveSections(measured: Section[]): Promise<void> {
  const stored = existsSync(STORE) ? (JSON.parse(await readFile(STORE, 'utf8')) as Section[]) : []
  const sections = mergeSections(stored, measured)
  await writeFile(STORE, `${JSON.stringify(sections, null, 2)}\n`)
  await writeFile(PAGE, renderPage(sections))
}

/** In the order of the page: part by part, plain PostgreSQL first. */
export function mergeSections(stored: Section[], measured: Section[]): Section[] {
  const place = ({ part, engine }: Section) => 2 * PLACES.indexOf(part) + (engine === 'plain' ? 0 : 1)
  const byPlace = new Map([...stored, ...measured].map((section) => [place(section), section]))
  return [...byPlace].sort(([a], [b]) => a - b).map(([, section]) => section)
}

const ENGINES: Record<EngineName, string> = { plain: 'plain PostgreSQL', timescale: 'TimescaleDB' }

const TITLES: Record<Part, string> = {
  p1: 'P1: durable ingest',
  'p1-redis': 'P1 with sessions in Redis',
  brokers: 'Brokers: one, two and three',
  ledger: 'Ledger: what each stage costs the broker',
  p2: 'P2: rows stored',
  p3: 'P3: from publish to the event at the browser',
  p4: 'P4: events to a thousand readers',
  p5: 'P5: ten thousand devices',
  p6: 'P6: charts of a year, and who looks while devices send',
  p7: 'P7: bytes of a stored reading',
  p8: 'P8: a command and its answer',
  p9: 'P9: the dashboard in a browser',
  readers: 'Readers: a hundred times as many',
  sweep: 'Sweep: a hundred times the devices, a hundred times the history',
  soak: 'Soak: an hour of load with faults',
}

export function renderPage(sections: Section[]): string {
  return `${[
    '# Benchmark results',
    'Written by `npm run bench`; do not edit. Ratios are what counts: absolute figures drift between machines.',
    '## Targets',
    summary(sections),
    ...sections.flatMap(renderSection),
    '## What the numbers do not prove',
    LIMITS,
  ].join('\n\n')}\n`
}

function summary(sections: Section[]): string {
  const rows = sections.flatMap(({ part, engine, verdicts, date }) =>
    verdicts.map(({ what, target, measured, isMet }) => [
      part.replace(/^p\d/, (name) => name.toUpperCase()),
      ENGINES[engine],
      what,
      target,
      measured,
      isMet ? 'yes' : '**no**',
      date,
    ]),
  )
  return table(['', 'engine', 'what', 'target', 'measured', 'met', 'taken'], rows)
}

export function renderSection({ part, engine, date, machine, text }: Section): string[] {
  return [`## ${TITLES[part]} (${ENGINES[engine]})`, `${date}; ${machine}.`, text]
}

const LIMITS = `- The load generator and the people who look share the machine and take the cores the tables say: on a
  machine of their own they would leave more to the product.
- Loopback has no loss and no latency; devices here are fast and well-behaved, those of P5 only connect, and each run
  lasts seconds. Nothing is said about hours of load or about thousands of slow connections.
- Several brokers share two cores with the database and the load: what they would bring on machines of their own is not
  shown.
- The closed loop shows throughput at full load. Its latencies are those of full queues, not of a calm system.
- Histories are loaded in minutes, not lived through: their tables are freshly written, vacuumed and compressed, and
  what is asked fits into the memory of the machine.
- Streams and sockets are read by programs made for it, not by browsers, except in P9; events are counted and timed, not
  drawn.
- The browser of P9 paints by processor, on the machine that does everything else: one with a graphics card has more
  room for frames, a cheap phone less.
- The disk's fsync belongs to this machine; one with slower fsync acknowledges later and batches more.
- mosquitto is a mark for how fast the protocol can be served, not a product that does the same.`
