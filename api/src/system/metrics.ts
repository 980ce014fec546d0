import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Api, Deps } from '../deps.ts'
import { watchSpools } from './spool-metrics.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Lasts as long as somebody listens: its duration says nothing. */
    isStream?: boolean
  }
}

/** Prometheus. Labels are routes, methods and brokers; never a device, a metric or a user. */
export function createMetrics(deps: Deps, app: Api): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  watchRequests(app, registry)
  watchState(deps, registry)
  return registry
}

function watchRequests(app: Api, registry: Registry): void {
  const duration = new Histogram({
    name: 'telltale_http_request_seconds',
    help: 'Time to answer HTTP requests; streams are not counted',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.isStream) return
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
    }
    duration.observe(labels, reply.elapsedTime / 1_000)
  })
}

function watchState({ hub, link, pool, totals }: Deps, registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('telltale_live_streams', 'Open server-sent event streams', () => hub.readerCount)
  gauge('telltale_live_waiting_bytes', 'Events that wait for slow streams', () => hub.waitingBytes)
  gauge('telltale_broker_link_up', '1 while connected to the broker', () => Number(link.isUp))
  gauge('telltale_database_connections', 'Open database connections', () => pool.totalCount)
  gauge('telltale_database_waiting', 'Requests that wait for a database connection', () => pool.waitingCount)
  for (const [name, key] of BROKER_GAUGES) {
    new Gauge({
      name,
      help: `${key} of each broker as last told`,
      labelNames: ['broker'],
      registers: [registry],
      collect() {
        this.reset()
        for (const broker of totals.brokers()) this.set({ broker: broker.brokerId }, broker[key])
      },
    })
  }
  watchTroubles(totals, registry)
  watchSpools(totals, registry)
}

/** Running totals of the brokers themselves. The codes are a closed list. */
function watchTroubles(totals: Deps['totals'], registry: Registry): void {
  new Counter({
    name: 'telltale_connection_problems_total',
    help: 'MQTT connections refused or ended and limits hit, by reason',
    labelNames: ['code', 'broker'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { brokerId: broker, problems = {} } of totals.brokers())
        for (const [code, count] of Object.entries(problems)) this.inc({ code, broker }, count)
    },
  })
  new Counter({
    name: 'telltale_messages_dropped_total',
    help: 'Messages dropped because the client they were for did not take them',
    labelNames: ['broker'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { brokerId: broker, droppedTotal = 0 } of totals.brokers())
        this.inc({ broker }, droppedTotal)
    },
  })
  new Counter({
    name: 'telltale_messages_acknowledged_total',
    help: 'Messages with readings whose PUBACK or PUBREC was written; never more than are stored or wait on disk',
    labelNames: ['broker'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { brokerId: broker, acknowledgedTotal = 0 } of totals.brokers())
        this.inc({ broker }, acknowledgedTotal)
    },
  })
}

const BROKER_GAUGES = [
  ['telltale_broker_connections', 'connections'],
  ['telltale_broker_messages_per_second', 'messagesPerSecond'],
  ['telltale_broker_readings', 'readingsTotal'],
  ['telltale_broker_rejected', 'rejectedTotal'],
  ['telltale_broker_pending_rows', 'pendingRows'],
] as const
