/** Bounds of what is kept and asked of the database: part of `limits`, with reasons. Units are the last word. */
export const storageLimits = {
  series: {
    /** A device inventing metric names must not grow the catalogue without bound. */
    perDeviceMax: 1_000,
    /** Devices whose series the broker keeps in memory. */
    cachedDevicesMax: 50_000,
  },
  rollups: {
    /** A reading older than this when it arrives is noted as late (the server's clock). */
    lateAfterMs: 5 * 60_000,
    /** Rollups stay this far behind now, so that whatever they could miss has been noted as late. */
    settleMs: 10 * 60_000,
    /** A batch must commit within this of its look at the clock, or its rows are noted as late after all. */
    commitWithinMs: 60_000,
    /** A broker relies on a note of its own for so long … */
    noteTrustedMs: 30_000,
    /** … and the job leaves each alone until whatever relied on it is committed. */
    noteRestsMs: 100_000,
    /** How far a note reaches beyond its readings: at first, and at most. */
    noteReachMinMs: 5 * 60_000,
    noteReachMaxMs: 24 * 3_600_000,
    /** Series whose notes a broker remembers. */
    notesMax: 200_000,
    /** Late ranges folded into rollups in one transaction. */
    lateRangesMax: 1_000,
    /** On TimescaleDB: a fold that took longer than this rests for so many times as long. */
    longFoldMs: 2_000,
    longFoldRests: 4,
    everyMs: 30_000,
  },
  jobs: {
    /** Rollups, removals and maintenance at once, and one more for a lock. */
    connectionsMax: 5,
    /** They work in pieces of seconds; this only ends what hangs. */
    statementTimeoutMs: 10 * 60_000,
  },
  deletions: {
    /** Rows of a deleted device removed by one statement. */
    pieceRowsMax: 50_000,
    /** A deletion ends no sooner: by then no batch under way can still add to it. */
    graceMs: 120_000,
    everyMs: 5_000,
  },
  latest: {
    flushMs: 1_000,
    flushRowsMax: 10_000,
    /** Share of its time a broker spends on flushing at most: with many series it flushes less often. */
    flushShareMax: 0.1,
  },
  history: {
    /** Charts at a time; more of them wait. Enough for many people, too few to take the database from ingest. */
    connectionsMax: 4,
    statementTimeoutMs: 10_000,
    /** How long a chart waits for its turn before its reader is told to come again. */
    waitMs: 10_000,
    /** From this share of its time at full capacity on, a broker's writer needs what charts would take. */
    busyShareMin: 0.5,
    /** What charts and exports together may take of one database connection meanwhile. */
    busyTimeShare: 0.1,
    restMsMax: 10_000,
    /** An answer is built in memory: points of all series together, however many metrics are asked for. */
    answerPointsMax: 400_000,
    /** Buckets a range may be cut into: far more than anybody can draw, few enough to count. */
    bucketsMax: 1_000_000,
    /** Range of buckets that no rollup fills: a month at 1 Hz is half a second's work. */
    rawBucketDaysMax: 31,
    devicesMax: 100,
    seriesMax: 1_000,
    /** Boolean and text series come as the times they changed; found by looking at no more readings than this. */
    stateReadingsMax: 2_000_000,
    /** Stretches where rollups are behind, each read by a query of its own; beyond, neighbours join. */
    latePartsMax: 100,
    /** Series whose newest values are looked for among the readings themselves (10 to 70 µs each). */
    latestExactSeriesMax: 2_000,
  },
  fleet: {
    /** Ids and states in one answer, some 20 bytes a device; beyond, a filter has to narrow it. */
    indexDevicesMax: 20_000,
    /** Changed in one transaction. */
    changeDevicesMax: 10_000,
    /** The most used ones: nobody reads more of a list of tags. */
    facetNamesMax: 200,
    /** Of one device, looked at for its day: one that connects more often has its older hours unknown. */
    daySessionsMax: 500,
    /** Values beyond an alarm threshold that are shown … */
    alarmsMax: 20,
    /** … and how many readings of each are looked at for since when. */
    alarmReadingsMax: 1_000,
  },
  exports: {
    atOnceMax: 3,
    /** All exports together keep at most one core of the database busy. */
    connectionsMax: 1,
    /** Read, sorted and held in memory at a time. */
    sliceRows: 5_000,
    statementTimeoutMs: 30_000,
    /** Exports wait for each other's slices. */
    waitMs: 60_000,
    /** A client that takes nothing for so long loses its export. */
    stallMs: 30_000,
  },
  rejected: {
    /** What is kept of an unreadable payload. */
    payloadBytesKept: 4 * 1024,
    /** Kept per device; the oldest go first. */
    perDeviceMax: 1_000,
  },
} as const
