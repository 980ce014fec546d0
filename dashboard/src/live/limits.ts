/** Bounds of the live part in the browser, with their reasons. Units are the last word of each name. */
export const liveLimits = {
  /** Rows scrolling by ask for many sets of devices; after the first only the last one is worth a request. */
  changeDelayMs: 200,
  /** The server pings every 15 s; two missed and a bit. */
  silenceMaxMs: 40_000,
  /** Of a stream that has brought totals, which come every second: its connection is dead, though nobody said so. */
  totalsSilenceMaxMs: 7_000,
  /** One ping and a bit: at this age a line is not trusted when the network has just come back. */
  doubtMs: 17_000,
  /** `hello` waits up to 5 s for the broker; a stream that brings nothing for longer is held back on its way. */
  helloMaxMs: 6_000,
  backoffBaseMs: 1_000,
  /** Promise T: live within 10 s after a fault, however long it was. Spread, this is 3.9 s; the rest is connecting. */
  backoffMaxMs: 3_000,
  offlineAfterFailures: 3,
  catchUpMs: 700,
  /** A busy fleet answers every poll at once; the screen changes four times a second and needs no more. */
  pollPaceMs: 250,
  pollWaitS: 25,
  /** Beyond what it was asked to wait: the server waits up to 5 s for the broker, as with `hello`. */
  pollAnswerMaxMs: 6_000,
  /** While polling, the stream is tried again, first soon, then ever more rarely. */
  trialBaseMs: 2_000,
  trialMaxMs: 300_000,
  /** The server does not say when a place will be free. */
  placeWaitMs: 10_000,
  /** The server's own limit; tabs that can be seen come first. */
  devicesMax: 200,
  /** A state that only says "still alive" is passed on this often. */
  aliveEveryMs: 250,
  /** Ids kept to tell what another tab's stream repeats. */
  recentIdsMax: 512,
  /** Tabs answer the roll this often; one that misses three is gone. */
  rollEveryMs: 15_000,
  rollMissesMax: 3,
  /** A new tab has nothing to show yet: it waits this long for the leader's first word. */
  firstWordMaxMs: 4_000,
  /** What could not be refreshed is asked for again so often, beside two repetitions of each request. */
  refreshAgainMs: 3_000,
  /** A snapshot waits this long for its devices to be watched, which saves reading it twice. */
  watchedWaitMs: 300,
} as const
