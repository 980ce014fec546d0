import { ceilTo, floorTo, LEVELS, type Level, mergeSpans, type Span } from './rollups.ts'

/** What an answer is made from: the readings themselves, or one of the rollups. */
export type Source = 'raw' | Level

/** The coarsest rollup whose buckets fill buckets of this width exactly; else the readings themselves. */
export function sourceFor(bucketMs: number): Source {
  return LEVELS.findLast(({ widthMs }) => bucketMs % widthMs === 0)?.level ?? 'raw'
}

/** A part of a range, and where it is read. */
export interface Piece extends Span {
  source: Source
}

/**
 * Whole buckets of `source`, and what is left over at both ends from the next finer one: together exactly the range,
 * and a year with ragged ends is still a few hundred days, some hours, some minutes and two partial minutes.
 */
export function cutRange({ fromMs, toMs }: Span, source: Source): Piece[] {
  if (fromMs >= toMs) return []
  const index = LEVELS.findIndex(({ level }) => level === source)
  const widthMs = LEVELS[index]?.widthMs
  if (widthMs === undefined) return [{ source, fromMs, toMs }]
  const finer = LEVELS[index - 1]?.level ?? 'raw'
  const firstMs = ceilTo(fromMs, widthMs)
  const lastMs = floorTo(toMs, widthMs)
  if (firstMs >= lastMs) return cutRange({ fromMs, toMs }, finer)
  return [
    ...cutRange({ fromMs, toMs: firstMs }, finer),
    { source, fromMs: firstMs, toMs: lastMs },
    ...cutRange({ fromMs: lastMs, toMs }, finer),
  ]
}

export interface LateSpan extends Span {
  seriesId: number
}

/** Where rollups may be behind. */
export interface Late {
  spans: LateSpan[]
  /** Rollups before this are all there is: retention may have dropped their readings. */
  sinceMs: number
}

/** Buckets of several series that are to be made from the readings instead. */
export interface LatePart extends Span {
  seriesIds: number[]
}

/**
 * The buckets of a rollup's piece that late readings touch. Series that share a span share a part; when the parts
 * would be more than `partsMax`, neighbouring buckets join, for each part is a query of its own.
 */
export function lateParts(piece: Piece, late: Late, partsMax: number): LatePart[] {
  const widthMs = LEVELS.find(({ level }) => level === piece.source)?.widthMs
  if (widthMs === undefined) return []
  // A day's boundary, and so one of every source.
  const startMs = Math.max(piece.fromMs, late.sinceMs)
  for (let joinedMs = widthMs; ; joinedMs *= 2) {
    const parts = group(
      late.spans.map(({ seriesId, fromMs, toMs }) => ({
        seriesId,
        fromMs: Math.max(startMs, floorTo(fromMs, joinedMs)),
        toMs: Math.min(piece.toMs, ceilTo(toMs, joinedMs)),
      })),
    )
    // Wider than the whole piece there is nothing left to join.
    if (parts.length <= partsMax || joinedMs > 2 * (piece.toMs - piece.fromMs)) return parts
  }
}

function group(spans: LateSpan[]): LatePart[] {
  const bySeries = new Map<number, Span[]>()
  for (const { seriesId, fromMs, toMs } of spans) {
    if (fromMs >= toMs) continue
    const known = bySeries.get(seriesId)
    if (known) known.push({ fromMs, toMs })
    else bySeries.set(seriesId, [{ fromMs, toMs }])
  }
  const parts = new Map<string, LatePart>()
  for (const [seriesId, known] of bySeries)
    for (const { fromMs, toMs } of mergeSpans(known)) {
      const part = parts.get(`${fromMs}-${toMs}`)
      if (part) part.seriesIds.push(seriesId)
      else parts.set(`${fromMs}-${toMs}`, { fromMs, toMs, seriesIds: [seriesId] })
    }
  return [...parts.values()]
}
