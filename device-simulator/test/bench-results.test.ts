import { expect, test } from 'vitest'
import { faults } from '../bench/audience.ts'
import { latencyOf } from '../bench/requests.ts'
import { mergeSections, renderPage, type Section } from '../bench/results.ts'

function section(part: Section['part'], engine: Section['engine'], text: string): Section {
  const verdicts = [{ what: `${text} held against`, target: '≥ 1', measured: '0.9', isMet: false }]
  return { part, engine, date: '2026-01-02', machine: 'a machine', verdicts, text }
}

test('a run of one part replaces its own section and keeps all others', () => {
  const stored = [section('p1', 'plain', 'old ingest'), section('p7', 'timescale', 'old bytes')]
  const merged = mergeSections(stored, [
    section('p2', 'timescale', 'new rows'),
    section('p1', 'plain', 'new ingest'),
  ])
  expect(merged.map(({ text }) => text)).toEqual(['new ingest', 'new rows', 'old bytes'])
})

test('the page lists every target, met or not, and says on what each section was taken', () => {
  const page = renderPage([section('p1', 'plain', 'ingest'), section('sweep', 'timescale', 'growth')])
  expect(page).toContain('| P1 | plain PostgreSQL | ingest held against | ≥ 1 | 0.9 | **no** | 2026-01-02 |')
  expect(page).toContain('| sweep | TimescaleDB | growth held against |')
  expect(page).toContain('## P1: durable ingest (plain PostgreSQL)\n\n2026-01-02; a machine.\n\ningest\n')
})

test('an answer counts as a fault unless it is right or says what is wrong', () => {
  expect(faults({ '200': 7, '422 invalid_range': 2, '503 history_busy': 1 })).toEqual([])
  expect(faults({ '500 internal': 1, '503': 1, '404': 1 })).toEqual(['404', '503', '500 internal'])
})

test('a latency is one that was measured', () => {
  expect(latencyOf([4, 1, 3, 2])).toEqual({ count: 4, p50Ms: 2, p95Ms: 4, maxMs: 4 })
  expect(latencyOf([5])).toEqual({ count: 1, p50Ms: 5, p95Ms: 5, maxMs: 5 })
})
