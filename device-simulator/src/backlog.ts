/** Readings taken while nobody would have heard them, oldest first, bounded. */
import * as limits from './limits.ts'
import type { Values } from './profiles/profile.ts'

export interface Reading {
  ts: number
  values: Values
}

export interface Backlog {
  readonly size: number
  /** False when the bound cost the oldest reading. */
  push(reading: Reading): boolean
  /** Takes out what fits one message; empty when there is nothing. */
  take(): Reading[]
}

export function createBacklog(): Backlog {
  let readings: Reading[] = []
  return {
    get size() {
      return readings.length
    },
    push(reading) {
      readings.push(reading)
      if (readings.length <= limits.backlogReadingsMax) return true
      readings.shift()
      return false
    },
    take() {
      let metrics = 0
      let taken = 0
      for (const { values } of readings) {
        metrics += countMetrics(values)
        if (taken > 0 && metrics > limits.backlogMetricsPerMessageMax) break
        taken++
      }
      const message = readings.slice(0, taken)
      readings = readings.slice(taken)
      return message
    },
  }
}

export function countMetrics(values: Values): number {
  return Object.values(values).reduce<number>(
    (total, value) => total + (typeof value === 'object' ? countMetrics(value) : 1),
    0,
  )
}
