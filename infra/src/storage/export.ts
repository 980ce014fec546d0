import { limits } from '../limits.ts'
import { sqlState } from './errors.ts'
import type { Pool } from './pool.ts'
import type { TimeRange } from './presence.ts'
import type { SeriesRecord } from './readings.ts'

export type ExportedPoint = [seriesId: number, timeUs: number, number: number | null, text: string | null]

/** Microseconds, exactly what is stored: slices must neither overlap nor leave anything out. */
const epochUs = (column: string) => `(date_part('epoch', ${column}) * 1000000)::bigint`

/** Runs a query when it may. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>

const SLICE_US_FIRST = 60_000_000
const SLICE_US_MAX = 86_400_000_000
const SLICE_US_MIN = 1_000
const STATEMENT_TIMED_OUT = '57014'

/**
 * Every reading of the range in order of time, a slice at a time, each read and sorted by itself when the caller asks
 * for it: neither here nor in the database does memory grow with the range, and while the caller waits no connection
 * is held. Slices grow and shrink with the density of readings.
 */
export async function* exportReadings(
  pool: Pool,
  { series, ...range }: TimeRange & { series: SeriesRecord[] },
  turn: Turn = (work) => work(),
): AsyncGenerator<ExportedPoint[]> {
  const slices = new Slices(pool, series, turn)
  const endUs = range.to * 1_000
  let fromUs = await slices.firstFrom(range.from * 1_000, endUs)
  while (fromUs !== undefined) {
    const { points, nextUs } = await slices.read(fromUs, endUs)
    if (points.length > 0) yield points
    // Stretches without readings, years perhaps, are skipped.
    fromUs = points.length > 0 && nextUs < endUs ? nextUs : await slices.firstFrom(nextUs, endUs)
  }
}

class Slices {
  readonly #pool: Pool
  readonly #turn: Turn
  readonly #numbers: number[]
  readonly #texts: number[]
  #sliceUs = SLICE_US_FIRST

  constructor(pool: Pool, series: SeriesRecord[], turn: Turn) {
    this.#pool = pool
    this.#turn = turn
    this.#numbers = series.filter(({ kind, mixed }) => kind !== 'string' || mixed).map(({ id }) => id)
    this.#texts = series.filter(({ kind, mixed }) => kind === 'string' || mixed).map(({ id }) => id)
  }

  /** The time of the first reading from here on. */
  async firstFrom(fromUs: number, endUs: number): Promise<number | undefined> {
    if (fromUs >= endUs) return undefined
    const first = (table: string, ids: string) =>
      `SELECT time FROM unnest(${ids}::int4[]) AS s(id) CROSS JOIN LATERAL (
         SELECT time FROM ${table} WHERE series_id = s.id AND time >= $1 AND time < $2 ORDER BY time LIMIT 1
       ) AS first`
    const { rows } = await this.#turn(() =>
      this.#pool.query<{ us: number | null }>(
        `SELECT ${epochUs('min(time)')} AS us
         FROM (${first('reading', '$3')} UNION ALL ${first('reading_text', '$4')}) AS both_tables`,
        [instant(fromUs), instant(endUs), this.#numbers, this.#texts],
      ),
    )
    return rows[0]?.us ?? undefined
  }

  async read(fromUs: number, endUs: number): Promise<{ points: ExportedPoint[]; nextUs: number }> {
    const toUs = Math.min(endUs, fromUs + this.#sliceUs)
    const points = await this.#query(fromUs, toUs)
    if (!points) return { points: [], nextUs: fromUs }
    const { sliceRows } = limits.exports
    if (points.length <= sliceRows) {
      if (points.length < sliceRows / 2) this.#sliceUs = Math.min(SLICE_US_MAX, this.#sliceUs * 2)
      return { points, nextUs: toUs }
    }
    // Cut off: of its last instant some may be missing, so the next slice begins there. An instant always fits.
    const nextUs = points.at(-1)?.[1] ?? toUs
    const whole = points.findIndex(([, timeUs]) => timeUs === nextUs)
    this.#sliceUs = Math.max(SLICE_US_MIN, nextUs - fromUs)
    return { points: points.slice(0, whole), nextUs }
  }

  /** Undefined when there was too much for the time a statement may take: the next one asks for less. */
  async #query(fromUs: number, toUs: number): Promise<ExportedPoint[] | undefined> {
    try {
      const query = {
        text: `SELECT series_id, ${epochUs('time')}, number, text FROM (
            SELECT series_id, time, value AS number, NULL::text AS text FROM reading
            WHERE series_id = ANY($3::int4[]) AND time >= $1 AND time < $2
            UNION ALL
            SELECT series_id, time, NULL, value FROM reading_text
            WHERE series_id = ANY($4::int4[]) AND time >= $1 AND time < $2
          ) AS both_tables ORDER BY time, series_id LIMIT $5`,
        values: [instant(fromUs), instant(toUs), this.#numbers, this.#texts, limits.exports.sliceRows + 1],
        rowMode: 'array' as const,
      }
      const { rows } = await this.#turn(() => this.#pool.query<ExportedPoint>(query))
      return rows
    } catch (error) {
      if (sqlState(error) !== STATEMENT_TIMED_OUT || this.#sliceUs <= SLICE_US_MIN) throw error
      this.#sliceUs = Math.max(SLICE_US_MIN, Math.floor(this.#sliceUs / 16))
      return undefined
    }
  }
}

/** RFC 3339 with microseconds; a Date has only milliseconds. */
function instant(timeUs: number): string {
  const ms = Math.floor(timeUs / 1_000)
  return new Date(ms).toISOString().replace('Z', `${String(timeUs - ms * 1_000).padStart(3, '0')}Z`)
}
