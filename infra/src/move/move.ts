import type { Releases } from '../service.ts'
import { openEngine } from '../storage/engine.ts'
import { migrate } from '../storage/migrate.ts'
import { createPool } from '../storage/pool.ts'
import { createBar } from './bar.ts'
import { listTables, relationOf } from './catalogue.ts'
import { copyPart, copySequences, type Move } from './copy.ts'
import { beginLedger, type Entry, endLedger, noteVerified, readLedger, sourceOfMove } from './ledger.ts'
import { planParts } from './plan.ts'
import {
  lockMove,
  refuseForeignSource,
  refuseForeignTarget,
  refuseOtherSchema,
  refuseWhileRunning,
} from './refusals.ts'
import { settleRollups, showRollups } from './rollups.ts'
import { engineOf, openSide, type Side } from './side.ts'
import { verifyPart } from './verify.ts'

export interface MoveOptions {
  from: string
  to: string
  /** For a person, while it runs. */
  say: (line: string) => void
  releases: Releases
}

export interface MoveResult {
  rows: number
  /** Copied by this run; a resumed move found the others there. */
  rowsCopied: number
  copyMs: number
}

/**
 * Copies a whole Telltale database into another one, of any engine, and compares the two. Killed at any moment, the
 * same call goes on where it was: the target remembers the plan and what of it is done.
 * @throws StartError with a sentence when it is refused, or when the copy turns out not to be equal
 */
export async function moveDatabase({ from, to, say, releases }: MoveOptions): Promise<MoveResult> {
  const source = await openOne(from, { readOnly: true, releases })
  const target = await openOne(to, { readOnly: false, releases })
  await lockMove(target)
  await refuseForeignSource(source)
  await refuseForeignTarget(target, source)
  for (const side of [source, target]) await refuseWhileRunning(side, say)
  await migrate(to, { say, isMoveTarget: true })
  target.engine = await engineOf(target.client)
  await refuseOtherSchema(source, target)
  say(`from ${source.name} (${source.engine}) to ${target.name} (${target.engine})`)

  const move = await prepare({ source, target, to, releases })
  const entries = await readLedger(target)
  const done = entries.filter(({ rows }) => rows !== undefined).length
  if (done > 0) say(`going on with a move that was interrupted: ${done} of ${entries.length} parts are there`)
  const { rowsCopied, copyMs } = await copyAll(move, entries)
  await copySequences(move)
  await refuseWhileRunning(source, say)
  await verifyAll(move, entries)
  say('taking statistics')
  await showRollups(target)
  for (const name of move.tables.keys())
    await target.client.query(`ANALYZE ${await relationOf(target, name)}`)
  await endLedger(target)
  return { rows: sumRows(entries), rowsCopied, copyMs }
}

async function openOne(url: string, options: { readOnly: boolean; releases: Releases }): Promise<Side> {
  const side = await openSide(url, { program: 'move', readOnly: options.readOnly })
  options.releases.add(`connection to ${side.name}`, () => side.client.end())
  return side
}

async function prepare(options: {
  source: Side
  target: Side
  to: string
  releases: Releases
}): Promise<Move> {
  const { source, target, to, releases } = options
  const tables = await listTables(target)
  if ((await sourceOfMove(target)) === undefined) {
    await settleRollups(source, target)
    await beginLedger(target, source.identity, await planParts(source, tables))
  }
  const pool = createPool({ url: to, name: 'move', max: 1 })
  releases.add('pool', () => pool.end())
  const targetEngine = await openEngine(pool)
  return { source, target, targetEngine, tables: new Map(tables.map((table) => [table.name, table])) }
}

async function copyAll(move: Move, entries: Entry[]): Promise<{ rowsCopied: number; copyMs: number }> {
  const startedMs = performance.now()
  const doneRows = sumRows(entries)
  const left = entries.filter(({ rows }) => rows === undefined)
  const bar = createBar('copying  ', doneRows + guess(left), doneRows)
  let rowsCopied = 0
  try {
    for (const entry of left) {
      bar.show(entry.table)
      entry.rows = await copyPart(move, entry, bar.add)
      bar.correct(entry.estimatedRows, entry.rows)
      rowsCopied += entry.rows
    }
  } finally {
    bar.stop()
  }
  return { rowsCopied, copyMs: performance.now() - startedMs }
}

/** All of it or nothing: a comparison that was interrupted begins again. */
async function verifyAll(move: Move, entries: Entry[]): Promise<void> {
  if (entries.every(({ isVerified }) => isVerified)) return
  const bar = createBar('verifying', sumRows(entries), 0)
  try {
    for (const entry of entries) {
      bar.show(entry.table)
      await verifyPart(move, entry)
      bar.add(entry.rows ?? 0)
    }
  } finally {
    bar.stop()
  }
  await noteVerified(move.target)
}

function sumRows(entries: Entry[]): number {
  return entries.reduce((sum, { rows = 0 }) => sum + rows, 0)
}

function guess(entries: Entry[]): number {
  return entries.reduce((sum, { estimatedRows }) => sum + estimatedRows, 0)
}
