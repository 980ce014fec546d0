import { limits } from '../limits.ts'
import { encodeInt4Array, encodeTimestamptzArray } from './binary.ts'
import type { Queryable } from './pool.ts'
import type { Rows } from './telemetry.ts'

/** A stretch of one series where readings came late; both ends included, epoch milliseconds. */
export interface LateSpan {
  seriesId: number
  firstMs: number
  lastMs: number
}

/**
 * One span for each series that has rows older than rollups wait for.
 * @param nowMs by the server's clock; infinite when every row is to count as late
 */
export function lateSpans(rows: Rows<unknown>, nowMs: number): LateSpan[] {
  const beforeMs = nowMs - limits.rollups.lateAfterMs
  const spans = new Map<number, LateSpan>()
  for (let i = 0; i < rows.timesMs.length; i++) {
    const timeMs = rows.timesMs[i] as number
    if (timeMs >= beforeMs) continue
    const seriesId = rows.seriesIds[i] as number
    const span = spans.get(seriesId)
    if (!span) spans.set(seriesId, { seriesId, firstMs: timeMs, lastMs: timeMs })
    else if (timeMs < span.firstMs) span.firstMs = timeMs
    else if (timeMs > span.lastMs) span.lastMs = timeMs
  }
  return [...spans.values()]
}

interface Note extends LateSpan {
  lookedMs: number
  reachMs: number
}

const { noteReachMinMs, noteReachMaxMs, noteTrustedMs, notesMax } = limits.rollups

/**
 * What this process has noted lately. A backlog comes as many batches that go on where the last one ended: each note
 * reaches a little further than its readings, twice as far each time, so that most batches need none. A note is
 * trusted only for as long as the job is sure to leave it alone.
 */
export class LateNotes {
  readonly #notes = new Map<number, Note>()

  /** What has to be noted in the transaction that stores the rows. */
  wanted(rows: Rows<unknown>, nowMs: number): LateSpan[] {
    const wanted: LateSpan[] = []
    for (const { seriesId, firstMs, lastMs } of lateSpans(rows, nowMs)) {
      const note = this.#trusted(seriesId, nowMs)
      if (note && note.firstMs <= firstMs && lastMs <= note.lastMs) continue
      const reachMs = this.#reach(note)
      wanted.push({ seriesId, firstMs: firstMs - reachMs, lastMs: Math.min(nowMs, lastMs + reachMs) })
    }
    return wanted
  }

  /** They are committed; `lookedMs` is the clock they were judged by. */
  noted(spans: LateSpan[], lookedMs: number): void {
    if (this.#notes.size + spans.length > notesMax) this.#notes.clear()
    for (const span of spans) {
      const reachMs = this.#reach(this.#trusted(span.seriesId, lookedMs))
      this.#notes.set(span.seriesId, { ...span, lookedMs, reachMs })
    }
  }

  #trusted(seriesId: number, nowMs: number): Note | undefined {
    const note = this.#notes.get(seriesId)
    return note && nowMs - note.lookedMs <= noteTrustedMs ? note : undefined
  }

  #reach(note: Note | undefined): number {
    return note ? Math.min(note.reachMs * 2, noteReachMaxMs) : noteReachMinMs
  }
}

/** Notes where rollups have to be made again. Belongs into the transaction that stores the readings. */
export async function insertLate(db: Queryable, spans: LateSpan[]): Promise<void> {
  if (spans.length === 0) return
  await db.query(
    `INSERT INTO late_reading (series_id, first_at, last_at)
     SELECT * FROM unnest($1::int4[], $2::timestamptz[], $3::timestamptz[])`,
    [
      encodeInt4Array(spans.map(({ seriesId }) => seriesId)),
      encodeTimestamptzArray(spans.map(({ firstMs }) => firstMs)),
      encodeTimestamptzArray(spans.map(({ lastMs }) => lastMs)),
    ],
  )
}

/** The oldest `limit` notes that no batch under way can still rely on. */
export async function readLate(db: Queryable, limit: number): Promise<(LateSpan & { id: number })[]> {
  const { rows } = await db.query<LateSpan & { id: number }>(
    `SELECT id, series_id AS "seriesId", (extract(epoch FROM first_at) * 1000)::float8 AS "firstMs",
       (extract(epoch FROM last_at) * 1000)::float8 AS "lastMs"
     FROM late_reading WHERE noted_at < now() - $2 * interval '1 millisecond' ORDER BY id LIMIT $1`,
    [limit, limits.rollups.noteRestsMs],
  )
  return rows
}

/** Where the oldest late reading lies that rollups do not hold yet; infinity when there is none. */
export async function firstLate(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ ms: number | null }>(
    'SELECT (extract(epoch FROM min(first_at)) * 1000)::float8 AS ms FROM late_reading',
  )
  return rows[0]?.ms ?? Number.POSITIVE_INFINITY
}

export async function removeLate(db: Queryable, ids: number[]): Promise<void> {
  await db.query('DELETE FROM late_reading WHERE id = ANY($1::bigint[])', [ids])
}
