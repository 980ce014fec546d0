/** What the broker holds to, and holds its clients to. Part of limits.ts. */
export const brokerLimits = {
  writer: {
    /**
     * One COPY: large enough to amortise a commit, small enough that under full load the next batch fills while one
     * commits (measured: 5,000 stores a fifth more than 20,000 with 12,500 rows under way).
     */
    batchRowsMax: 5_000,
    /** What goes to disk at once while the database is away: one fsync for all of it. */
    spoolRowsMax: 20_000,
    /** Two batches in flight: one commits while the other fills (measured best; three adds lock traffic). */
    batchesInFlightMax: 2,
    /** Above either bound, messages wait outside the queue and their sockets are not read. */
    pendingRowsMax: 200_000,
    pendingBytesMax: 64 * 1024 * 1024,
    /** After a batch met a duplicate, merge for this many batches before trying COPY again. */
    mergeBatchesAfterDuplicate: 64,
    /** A fault of our own may pass, and so may a statement that took too long; after so many it is done in halves. */
    attemptsBeforeDividing: 3,
    retryDelayMinMs: 100,
    retryDelayMaxMs: 5_000,
  },
  spool: {
    /** A batch the database has not taken after so long goes to the broker's own disk, and all that follows with it. */
    engageAfterMs: 2_000,
    /** Something is stored so quickly: the database is back, and new messages go straight to it. */
    promptCommitMs: 1_500,
    /** How often one message asks whether it is. */
    probeEveryMs: 2_000,
    /** Replies and status words, beside the bound of the messages. */
    wordsBytesMax: 64 * 1024 * 1024,
    /** Of them, so much of one device; the more it says waits for the database, as if there were no room. */
    wordsBytesPerDeviceMax: 1024 * 1024,
    /** A file is removed as a whole when all in it is stored. Both are small, for after a crash it is stored again. */
    segmentBytes: 16 * 1024 * 1024,
    segmentMessagesMax: 20_000,
    /** Written and synced at once; also what is read at once, about. */
    frameBytesMax: 4 * 1024 * 1024,
    /** A file is read through a window of so many bytes, which grows to one frame where it must. */
    readBytes: 1024 * 1024,
    /** Of a disk's bytes, and not more than this, stay free: a database on the same disk needs room to come back. */
    diskReserveShare: 0.05,
    diskReserveBytesMax: 256 * 1024 * 1024,
    retryDelayMinMs: 100,
    retryDelayMaxMs: 2_000,
    /** After the disk took no more, it is asked again so much later. */
    refusedDelayMs: 1_000,
    /** Messages read and stored at once on the way back into the database. */
    replayMessagesMax: 1_000,
    /** Beside live messages the way back rests so long after each piece, measured in the time the piece took. */
    replayRestRatio: 2,
    /** A device deleted so long after a message came was deleted for that message too: two clocks are compared. */
    deletedAfterMs: 5_000,
  },
  broker: {
    drainTimeoutMs: 20_000,
    topicLevelsMax: 10,
    activityFlushMs: 5_000,
    /** The net under a lost word of a revocation; contract: closed within 2 s. */
    revocationCheckMs: 2_000,
    /** Words of revocations that come so close together are carried out together. */
    revocationGatherMs: 20,
    totalsMs: 1_000,
    maintenanceMs: 60_000,
  },
  signIns: {
    /** Devices whose credentials are looked up at once, and how often: 800 a second, so that others are served too. */
    lookupsMax: 16,
    lookupEveryMs: 20,
    /** A database that has not answered a sign-in by then is away: devices themselves wait ten seconds. */
    answerWithinMs: 1_500,
    askAgainMs: 100,
    /** Sign-ins, the net under revocations, and the sign of life wait for nobody else's silent connections. */
    connectionsMax: 3,
    /** Who may sign in while the database is away: all that were let in, at a size that does not show. */
    rememberedMax: 50_000,
    /** Confirmed by the database no longer ago: devices that wake once a day are among them. */
    rememberedMs: 25 * 3_600_000,
  },
  directory: {
    /** How long the answer holds; a deleted device's readings are refused by the storage itself. */
    trustedMs: 10_000,
    devicesMax: 50_000,
  },
  presence: {
    /** Connections that began and ended while the database was away, kept for their rows; the oldest are dropped. */
    endedMax: 20_000,
    /** A connection that waited so long for its row may be over: whoever has a newer one of the device keeps it. */
    lateMs: 3_000,
  },
  sessions: {
    /** Messages of QoS 1 and 2 sent to one client and not acknowledged yet. */
    inFlightMax: 64,
    /** Messages of QoS 2 of one client that are being stored. */
    receivingMax: 1_000,
    /** A client whose socket takes nothing for so long is gone. */
    stuckMs: 20_000,
    /** What may wait in one client's socket before its messages of QoS 0 are dropped; and in the API's. */
    bufferBytesMax: 1024 * 1024,
    platformBufferBytesMax: 64 * 1024 * 1024,
    integrationSubscriptionsMax: 1_000,
    /** Retained messages: under one pair of first levels, for integrations; and all together. */
    integrationRetainedMax: 10_000,
    retainedMax: 200_000,
    retainedBytesMax: 128 * 1024 * 1024,
    /** Stored sessions of one principal, beyond which the one idle longest ends. */
    storedPerDeviceMax: 8,
    storedPerIntegrationMax: 1_000,
    /** How often sessions that expired or whose principal is gone are looked for. */
    sweepMs: 5 * 60_000,
    /** After a start: how long clients have to come back before their wills are sent. */
    willGraceMs: 10_000,
    /** Then, while clients are still coming back, it is looked so often whether more of them are; at most so long. */
    willLookMs: 2_000,
    willWaitMaxMs: 120_000,
  },
  cluster: {
    /** A broker's sign of life to the others. */
    heartbeatMs: 3_000,
    /** Not heard for so long, it gets no messages any more. */
    forgottenAfterMs: 15_000,
    /** Its devices count as lost: others correct that within 15 s. */
    lostAfterMs: 9_000,
    introductionMs: 2_000,
    answerMs: 1_000,
    /** At the start; afterwards it is tried for ever. */
    connectMs: 3_000,
    stopMs: 500,
    /** A subscription is granted when others know of it, or after so long. */
    toldWithinMs: 2_000,
    unconfirmedBytesMax: 64 * 1024 * 1024,
    logEveryMs: 10_000,
  },
  gate: {
    connectBytesMax: 4 * 1024,
    /** Absolute, from the accept on. */
    connectTimeoutMs: 5_000,
    /** Header and topic of the largest message. */
    packetOverheadBytesMax: 4 * 1024,
    /** A packet must be whole so long after its first byte; a byte now and then does not extend it. */
    partialTimeoutMs: 30_000,
    filtersPerSubscribeMax: 8,
    /** In place of a longer keep-alive, or none: a connection that is gone without a word ends after 1.5 times this. */
    keepaliveMaxS: 3_600,
    /** Unfinished packets of all connections together. */
    heldBytesMax: 64 * 1024 * 1024,
    /** aedes works on all packets of one read at once; each costs about a kilobyte meanwhile. */
    packetsPerReadMax: 1_000,
    /** What a client may send at once after a pause: seconds of its rates. */
    burstSeconds: 3,
    slowedMaxMs: 60_000,
    slowedReportMs: 10_000,
    flushMs: 1_000,
  },
  admission: {
    /** Addresses, pairs of address and user name, and devices remembered; the longest unseen go first. */
    keysMax: 50_000,
    signIns: {
      /** Failures of one user name from one address before it has to wait. */
      free: 10,
      holdMsMin: 1_000,
      holdMsMax: 60_000,
      /** Without a new failure a pair is forgotten. */
      forgetMs: 10 * 60_000,
      /** A thousand devices behind one gateway with a wrong secret, each trying every 20 s, pass. */
      failuresPerAddressPerSecond: 50,
      burstSeconds: 20,
    },
    flappingHoldMs: 30_000,
    /** When connections are full there is no telling when one ends. */
    retryAfterMs: 5_000,
  },
  listeners: {
    /** A TLS handshake, and the HTTP request before a WebSocket, end within this; then the socket is closed. */
    handshakeTimeoutMs: 5_000,
    /** How often waiting requests are looked at: a slow one ends this much later at most. */
    requestCheckMs: 1_000,
    /** The system asks a silent peer after this, and again: one that is gone without a word is noticed in minutes. */
    keepAliveMs: 60_000,
    /** A WebSocket that was closed may answer for so long. */
    closeTimeoutMs: 5_000,
    /** New certificates are noticed without a signal. */
    tlsFilesCheckMs: 5_000,
    /** From then on the log warns: long enough for a person, short enough not to disturb automatic renewal. */
    tlsExpiryWarningDays: 14,
  },
} as const
