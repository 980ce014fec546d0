/**
 * P9: the dashboard in a real browser, served by the API as built: how much comes over the line at first, how evenly
 * charts and a long list move, and whether a page that is kept open grows.
 */
import type { Releases } from '@telltale/infra/service'
import { type ChartsResult, runCharts } from './p9-charts.ts'
import { type FleetResult, runFleet } from './p9-fleet.ts'
import { type HeapResult, runHeap } from './p9-heap.ts'
import { type LoadResult, runLoad } from './p9-load.ts'
import { setStage } from './p9-stage.ts'
import type { Database } from './servers.ts'

const CHART_SECONDS = 30

export interface DashboardResult {
  load: LoadResult
  charts: ChartsResult
  heap: HeapResult
  fleet: FleetResult
  /** First load, with the ten thousand in the fleet. */
  loadOfMany: LoadResult
  violations: string[]
}

interface Plan {
  rounds: number
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runP9(database: Database, plan: Plan): Promise<DashboardResult> {
  const stage = await setStage(database, plan.releases)
  const load = await runLoad(stage, plan)
  const charts = await runCharts(stage, { ...plan, seconds: CHART_SECONDS * plan.scale })
  const heap = await runHeap(stage, plan)
  const fleet = await runFleet(stage, plan)
  const loadOfMany = await runLoad(stage, { ...plan, rounds: 1 })
  const violations = [...charts.violations, ...fleet.violations]
  return { load, charts, heap, fleet, loadOfMany, violations }
}
