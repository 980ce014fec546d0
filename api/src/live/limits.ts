/** Bounds of the live part, with their reasons. Units are the last word of each name. */
export const liveLimits = {
  /** What a reconnecting client can catch up on: about ten seconds of a busy fleet, hours of a small one. */
  ringEventsMax: 20_000,
  /** Readings with hundreds of metrics are large: memory is bounded whatever their size. */
  ringBytesMax: 16 * 1024 * 1024,
  /**
   * Above either, a reader is too slow for every event and gets the newest values only. One device's largest backlog
   * message (64 KiB, some 2,500 readings) must fit: it arrives within one turn of the loop.
   */
  queueEventsMax: 10_000,
  queueBytesMax: 512 * 1024,
  /** Newest values kept for a reader that takes nothing; above, it is told to refetch instead. */
  conflatedKeysMax: 20_000,
  /** What one key of it takes: its name, its value, and their places in two maps. */
  conflatedKeyBytes: 320,
  /**
   * All that waits for slow readers: queues and newest values. Above, the next of them is conflated, or told to
   * refetch, earlier than its own bounds say. Together with the ring and idle readers it fits into 512 MB.
   */
  waitingBytesMax: 64 * 1024 * 1024,
  /** A write is at most so much, because what a reader does not take is buffered for it; an event goes out whole. */
  flushEventsMax: 500,
  flushBytesMax: 32 * 1024,
  /** Contract: a reader without progress for so long is closed. */
  stallMs: 30_000,
  /** A stream that was ended has this long to take its last bytes. */
  endGraceMs: 1_000,
  /** Contract. */
  pingMs: 15_000,
  /** How often stalls and pings are looked for. */
  tickMs: 1_000,
  /** After its last reader a device stays subscribed, so that a page reload misses nothing. */
  lingerMs: 60_000,
  /** All streams together; each device costs two subscriptions at the broker. */
  watchedDevicesMax: 10_000,
  /** A stream opens without its subscription after this, and resyncs when the broker answers. */
  watchTimeoutMs: 5_000,
  idsPerStreamMax: 200,
  /** Live streams, polls and sockets, counted together. */
  places: {
    /** A person has a few tabs and a few scripts. */
    perUserMax: 20,
    /** Everybody behind one proxy or one office has one address: a hundred people's tabs, and half of all places. */
    perAddressMax: 1_500,
    /** Sockets that will say in their first frame who they are. Browsers bring a cookie; only a few scripts do this. */
    anonymousPerAddressMax: 10,
    /** An idle reader takes up to 20 KB, one that takes nothing a write or two more: some 200 MB if all are so. */
    allMax: 3_000,
  },
  /** What a client that was refused is told to wait: when a place gets free is anybody's guess. */
  retryAfterS: 5,
  pollEventsMax: 1_000,
  /** Of one answer; the cursor goes on from there. */
  pollBytesMax: 1024 * 1024,
  pollWaitMaxS: 60,
  /** A poll that can only be told to refetch is told after this: polls in turns at two APIs would never wait. */
  pollResyncDelayMs: 1_000,
  /** A broker whose totals stopped is gone from the sums. */
  totalsFreshMs: 5_000,
  /** A device's rejected messages and a command's progress are told at most once in this time. */
  coalesceMs: 1_000,
  /** Commands whose newest status is remembered, so that events never step back. */
  commandsTrackedMax: 10_000,
  socket: {
    frameBytesMax: 64 * 1024,
    authTimeoutMs: 5_000,
    pingMs: 25_000,
    missedPongsMax: 2,
    bufferedBytesMax: 1024 * 1024,
    commandsPerSecondMax: 20,
    /** Of one client, so that a flood waits in its socket and not in our memory. */
    framesWaitingMax: 64,
    /** Refused frames in a row before the socket is closed. */
    refusalsMax: 40,
    /** Commands whose transitions one socket follows; the oldest go first. */
    followedMax: 1_000,
    /** After our close frame, this long for the client's own. */
    closeGraceMs: 1_000,
  },
} as const
