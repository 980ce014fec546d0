import { limits } from '@telltale/infra/limits'
import { readAlarms } from '@telltale/infra/storage/alarms'
import { firstNumberSeries, readFacets, readFleetIndex } from '@telltale/infra/storage/fleet'
import { readDays } from '@telltale/infra/storage/presence-days'
import { Type } from 'typebox'
import {
  FleetAlarms,
  FleetDays,
  FleetFacets,
  FleetIndex,
  FleetQuery,
  FleetSparklines,
} from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { parseNamedIds } from '../devices/ids.ts'
import { inSnapshot } from '../telemetry/pools.ts'
import { toDays } from './days.ts'
import { readSparklines, SPARK_SPAN_MS, SPARK_STEP_MS } from './sparklines.ts'

const HOUR_MS = 3_600_000
const HOURS = 24

/** What a list of ten thousand devices shows, each kind of it in one request. */
export function fleetRoutes(app: Api, deps: Deps): void {
  wholeFleetRoutes(app, deps)
  visibleRowsRoutes(app, deps)
}

function wholeFleetRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/fleet/index',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'Ids and states of every device a filter matches',
        querystring: FleetQuery,
        response: { 200: FleetIndex },
      },
    },
    ({ query }) => readFleetIndex(pool, query),
  )

  app.get(
    '/fleet/facets',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'How many devices a filter matches, and would match with one more condition',
        querystring: FleetQuery,
        response: { 200: FleetFacets },
      },
    },
    ({ query }) => readFacets(pool, query),
  )

  app.get(
    '/fleet/alarms',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'Connected devices beyond an alarm threshold of their type',
        response: { 200: FleetAlarms },
      },
    },
    () => readAlarms(pool),
  )
}

const DevicesQuery = Type.Object({
  devices: Type.String({ maxLength: 8_192, description: 'comma-separated ids' }),
})

function visibleRowsRoutes(app: Api, { pool, history }: Deps): void {
  app.get(
    '/fleet/sparklines',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'The last hour of several devices, a point a minute',
        querystring: DevicesQuery,
        response: { 200: FleetSparklines },
      },
    },
    async ({ query }) => {
      const series = await firstNumberSeries(pool, parseNamedIds(query.devices, limits.history.devicesMax))
      const to = Math.ceil(Date.now() / SPARK_STEP_MS) * SPARK_STEP_MS
      const range = { from: to - SPARK_SPAN_MS, to }
      const items =
        series.length === 0
          ? []
          : await history.turns.run(() =>
              inSnapshot(history.charts, (db) => readSparklines(db, series, range)),
            )
      return { from: range.from, stepMs: SPARK_STEP_MS, items }
    },
  )

  app.get(
    '/fleet/days',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'How long several devices were connected in each of the last 24 hours',
        querystring: DevicesQuery,
        response: { 200: FleetDays },
      },
    },
    async ({ query }) => {
      const to = Date.now()
      const range = { from: to - HOURS * HOUR_MS, to }
      const days = await readDays(pool, parseNamedIds(query.devices, limits.history.devicesMax), {
        ...range,
        parts: HOURS,
      })
      return { ...range, items: toDays(days, range) }
    },
  )
}
