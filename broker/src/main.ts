import { limits } from '@telltale/infra/limits'
import { createLog, type Logger } from '@telltale/infra/log'
import { hashSecret } from '@telltale/infra/secrets'
import { atMost, type Releases, runService } from '@telltale/infra/service'
import { tlsFiles } from '@telltale/infra/settings-rules'
import { noteBrokerSettings } from '@telltale/infra/storage/broker-settings'
import { openEngine } from '@telltale/infra/storage/engine'
import { checkDatabase, warnOfDurability } from '@telltale/infra/storage/start-check'
import { ownerOf, saidClientId } from './attachment.ts'
import { BatchStore } from './batch-store.ts'
import { Broker } from './broker.ts'
import { connectCluster, joinCluster } from './cluster-join.ts'
import { CommandDispatcher } from './commands.ts'
import { type BrokerConfig, brokerConfig, shownSettings, timeWindow } from './config.ts'
import { type PlatformKind, topics } from './contract/index.ts'
import { CredentialLookup } from './credential-lookup.ts'
import { Diagnostics } from './diagnostics.ts'
import { DeviceDirectory } from './directory.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { Admission } from './gate/admission.ts'
import { Gates, gateLimits } from './gate/gates.ts'
import { InTurn } from './in-turn.ts'
import { LatestReadings } from './latest-readings.ts'
import { listenTcp, listenWebSocket } from './listeners.ts'
import { listenTls } from './listeners-tls.ts'
import { Liveness } from './liveness.ts'
import { openPools } from './pools.ts'
import { Presence } from './presence.ts'
import { PromptDatabase } from './prompt-database.ts'
import { repeat } from './repeat.ts'
import { Revocations } from './revocations.ts'
import { Router } from './router.ts'
import { SeriesCache } from './series-cache.ts'
import { openStores, sessionExpiryMs } from './sessions/open-stores.ts'
import { type QueueFull, Sessions } from './sessions/sessions.ts'
import { StoredWills } from './sessions/stored-wills.ts'
import { SignInMemory } from './sign-in-memory.ts'
import { openSpools } from './spool/open-spool.ts'
import { Outage } from './spool/outage.ts'
import { Replay } from './spool/replay.ts'
import { DRAIN_MS, SPOOL_MS, STOP_MS } from './stopping.ts'
import { StorageJobs } from './storage-jobs.ts'
import { TelemetryWriter } from './telemetry-writer.ts'
import { Totals } from './totals.ts'
import { Wills } from './wills.ts'

await runService(async (releases) => {
  const config = brokerConfig(process.env)
  const log = createLog('broker', config.TELLTALE_LOG_LEVEL)
  const brokerId = config.TELLTALE_BROKER_ID
  const { pool, promptPool, writerPool, jobsPool } = openPools(config, log, releases)
  await checkDatabase(pool)
  await warnOfDurability(pool, log)
  const engine = await openEngine(writerPool)
  const { spool, words } = await openSpools(config, log, releases)
  const outage = new Outage({ spool, words, log })
  const totals = new Totals()
  totals.waited(spool.state.messages)
  const latest = new LatestReadings(pool, log)
  const store = new BatchStore({
    ...{ pool: writerPool, engine, latest, totals, log },
    series: new SeriesCache(),
  })
  const writer = new TelemetryWriter({ store, outage, totals, log })
  const tellApi = (about: PlatformKind, id: string, message: unknown) =>
    broker.publish(topics.platform(about, id), Buffer.from(JSON.stringify(message)))

  const router = new Router((packet) => sessions.deliver(packet))
  const cluster = await joinCluster(config, log, releases)
  const stores = await openStores(config, { cluster, log, releases })
  const sessions = new Sessions({
    ...{ ...stores, log },
    queueMessagesMax: config.TELLTALE_SESSION_QUEUE_MESSAGES,
    onQueueFull: (full) => reportQueueFull(diagnostics, config, full),
  })
  const presence = new Presence({
    ...{ pool, brokerId, log },
    publish: (change) => tellApi('presence', change.deviceId, change),
    onOpened: (deviceId, epoch) => cluster?.announceDevice(deviceId, epoch),
    onElsewhere: (deviceId) => broker.clients.closeNamed(deviceId, 'taken_over'),
    onReopened: (deviceId, status) => broker.writeStatus(deviceId, status),
  })
  const commands = new CommandDispatcher({
    ...{ pool, brokerId, log },
    publish: (record) => tellApi('commands', record.deviceId, record),
    areRepliesWaiting: () => outage.areWordsWaiting,
  })
  const diagnostics = new Diagnostics({ pool, log })
  const doorkeeper = openDoor(config, diagnostics, releases)
  const replaying = { outage, store, pool, totals, log, commands, isBusy: () => writer.isBusy }
  const replays = [
    // That a word was taken says nothing of readings: they go into other tables. And new words wait behind the old
    // ones, so the way back of words has nothing to spare.
    new Replay({ ...replaying, spool: words, isBusy: () => false, onTaken: () => {} }),
    new Replay({ ...replaying, spool, onTaken: () => outage.end() }),
  ] as const
  outage.onWordKept = () => replays[0].start()
  outage.onKept = () => replays[1].start()
  const database = new PromptDatabase({ pool: promptPool, log })
  const memory = new SignInMemory()
  const storedWills = new StoredWills({ brokerId, durable: stores.durable, log })
  const accepting = {
    writer,
    outage,
    presence,
    commands,
    replies: new InTurn(),
    window: timeWindow(config),
    log,
  }
  const broker: Broker = new Broker({
    ...accepting,
    ...{ pool, stores, sessions, storedWills, router, doorkeeper, diagnostics, totals },
    platformSecret: config.TELLTALE_PLATFORM_SECRET,
    enrolment: enrolmentOf(config),
    ...{ database, memory, credentials: new CredentialLookup(database) },
    directory: new DeviceDirectory({ pool, database }),
    limits: {
      deviceSubscriptions: config.TELLTALE_DEVICE_SUBSCRIPTIONS,
      deviceRetained: config.TELLTALE_DEVICE_RETAINED,
      messageBytes: config.TELLTALE_MESSAGE_BYTES,
    },
    onRevoked: (name) => revocations.changed(name),
  })
  const expiryMs = sessionExpiryMs(config)
  const revocations = new Revocations({
    ...{ pool, database, memory, sessions, expiryMs, log },
    clients: broker.clients,
    durable: stores.durable,
  })
  const publish = (topic: string, payload: Buffer) => broker.publish(topic, payload)
  const wills = new Wills({
    ...{ ...accepting, pool, stores, sessions, router, publish },
    findConnected: async (clientIds) => {
      const elsewhere = (await cluster?.findConnected(clientIds)) ?? []
      return new Set([...elsewhere, ...broker.clients.connectedOf(clientIds)])
    },
  })
  const sendWills = (id: string) =>
    void wills.sendLeftBy(id).catch((err) => log.warn({ err }, 'wills could not be sent'))
  const liveness = new Liveness({
    ...{ pool, promptPool, brokerId, log },
    onLost: (devices) => {
      presence.lost(devices)
      for (const { deviceId } of devices)
        if (!broker.clients.live(deviceId)) broker.writeStatus(deviceId, 'offline')
    },
    onBrokerLost: sendWills,
    onRevived: () => {
      if (cluster) storedWills.putAgain()
      return presence.revive()
    },
  })
  const jobs = new StorageJobs({ pool: jobsPool, engine: await openEngine(jobsPool), config, log })

  // Released last-in-first-out: stop listening, store and acknowledge what was read, close, write the last rows.
  releases.add('diagnostics', () => atMost(STOP_MS, diagnostics.stop()))
  releases.add('presence', () => atMost(STOP_MS, presence.stop()))
  releases.add('commands', () => atMost(STOP_MS, commands.stop()))
  releases.add('latest readings', () => atMost(STOP_MS, latest.stop()))
  await engine.makeRoom(Date.now())
  await broker.start()
  releases.add('connections', () => broker.close())
  releases.add('open batches', () => {
    broker.stopReading()
    return writer.drain({ storeMs: DRAIN_MS, spoolMs: SPOOL_MS })
  })
  releases.add('what waits on disk', () =>
    atMost(STOP_MS, Promise.all(replays.map((replay) => replay.stop()))),
  )
  for (const replay of replays) replay.start()
  if (cluster) await connectCluster(cluster, broker, router)
  cluster?.onBack(() => {
    void sessions.storeIsBack()
    // Words of devices that moved may have been missed, now or while the others are not back yet.
    const look = () =>
      void presence.revive().catch((err) => log.warn({ err }, 'looking for moved devices failed'))
    look()
    setTimeout(look, limits.cluster.lostAfterMs).unref()
  })
  await liveness.start()
  await noteBrokerSettings(pool, brokerId, shownSettings(config))
  await wills.setAside(brokerId)
  const sendAside = () =>
    void wills.sendSetAside(brokerId).catch((err) => log.warn({ err }, 'wills could not be sent'))
  const grace = setTimeout(sendAside, limits.sessions.willGraceMs)
  releases.add('wills of an earlier life', () => clearTimeout(grace))
  diagnostics.start()
  presence.start()
  commands.start()
  latest.start()
  jobs.start(releases)

  const { revocationCheckMs, totalsMs } = limits.broker
  repeat(releases, log, {
    what: 'sign of life',
    everyMs: limits.cluster.heartbeatMs,
    work: () => liveness.beat(),
  })
  repeat(releases, log, {
    what: 'revocation check',
    everyMs: revocationCheckMs,
    work: () => revocations.check(),
  })
  repeat(releases, log, {
    what: 'session sweep',
    everyMs: limits.sessions.sweepMs,
    work: () => revocations.sweep(),
  })
  const tellTotals = async () => {
    const { pendingRows, pendingBytes } = writer
    const busyShare = writer.takeBusyShare()
    const counts = { problems: diagnostics.takeCounts(), droppedTotal: sessions.droppedTotal }
    const now = {
      brokerId,
      connections: broker.clients.deviceCount,
      connectionsBy: broker.clients.connections(),
      aedesVersion: broker.aedesVersion,
      pendingRows,
      pendingBytes,
      busyShare,
      ...counts,
      spool: outage.state(),
    }
    tellApi('totals', brokerId, totals.take(now))
  }
  repeat(releases, log, { what: 'totals', everyMs: totalsMs, work: tellTotals })

  await listen(broker, config, { log, releases, diagnostics })
  log.info({ port: config.TELLTALE_MQTT_PORT, engine: engine.name }, 'broker is listening')
  return log
})

async function listen(
  broker: Broker,
  config: BrokerConfig,
  { log, releases, diagnostics }: { log: Logger; releases: Releases; diagnostics: Diagnostics },
): Promise<void> {
  const host = config.TELLTALE_MQTT_HOST
  await listenTcp(broker, { host, port: config.TELLTALE_MQTT_PORT }, releases)
  await listenWebSocket(broker, { host, port: config.TELLTALE_MQTT_WS_PORT }, releases)
  const files = tlsFiles(config)
  if (!files || config.TELLTALE_MQTTS_PORT === undefined) return
  const address = { host: config.TELLTALE_MQTTS_HOST, port: config.TELLTALE_MQTTS_PORT }
  const onProblem = (problem: { address: string | null; detail: string }) =>
    diagnostics.report({ ...problem, code: 'tls_failed' })
  await listenTls(broker, { ...files, ...address, log, onProblem }, releases)
}

function openDoor(config: BrokerConfig, diagnostics: Diagnostics, releases: Releases): Doorkeeper {
  const gates = new Gates(gateLimits(config.TELLTALE_MESSAGE_BYTES))
  releases.add('gates', () => gates.stop())
  return new Doorkeeper({
    ...{ gates, diagnostics },
    admission: new Admission({
      connectionsMax: config.TELLTALE_CONNECTIONS_MAX,
      connectionsPerAddressMax: config.TELLTALE_CONNECTIONS_PER_ADDRESS,
      connectsPerAddressPerSecond: config.TELLTALE_CONNECTS_PER_ADDRESS,
      deviceConnectsPerMinute: config.TELLTALE_DEVICE_CONNECTS_PER_MINUTE,
    }),
    deviceRates: {
      messagesPerSecond: config.TELLTALE_DEVICE_MESSAGES_PER_SECOND,
      bytesPerSecond: config.TELLTALE_DEVICE_BYTES_PER_SECOND,
    },
  })
}

function reportQueueFull(diagnostics: Diagnostics, config: BrokerConfig, full: QueueFull): void {
  const { clientId, dropped, messages, bytes } = full
  const messagesMax = config.TELLTALE_SESSION_QUEUE_MESSAGES
  diagnostics.report({
    code: 'queue_overflow',
    deviceId: ownerOf(clientId),
    clientId: saidClientId(clientId),
    detail: `${dropped} of the oldest messages that waited for it were dropped`,
    limit:
      messages >= messagesMax
        ? { name: 'TELLTALE_SESSION_QUEUE_MESSAGES', value: messages + dropped, allowed: messagesMax }
        : {
            name: 'TELLTALE_SESSION_QUEUE_BYTES',
            value: bytes,
            allowed: config.TELLTALE_SESSION_QUEUE_BYTES,
          },
  })
}

function enrolmentOf(config: BrokerConfig) {
  const key = config.TELLTALE_ENROLMENT_KEY
  return { mode: config.TELLTALE_ENROLMENT, keyHash: key === undefined ? undefined : hashSecret(key) }
}
