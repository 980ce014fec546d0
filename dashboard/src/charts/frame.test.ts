import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Picture } from '../telemetry/series.ts'
import { Frame } from './frame.ts'
import type { TimeRange } from './time-range.ts'

const live: TimeRange = { kind: 'live', windowMs: 60_000 }
const fixed: TimeRange = { kind: 'fixed', from: 1_000_000, to: 1_010_000 }

function picture(): Picture {
  return { bucketMs: null, from: 0, to: 2_000_000, historyTo: 2_000_000, series: {}, arrived: 0 }
}

function open(range: TimeRange = live) {
  const clock = { blindSince: null as number | null }
  const frame = new Frame(range, { now: Date.now, elapsed: Date.now, blindSince: () => clock.blindSince })
  return { frame, clock }
}

/** So many milliseconds with a frame of the browser every 16. */
function run(frame: Frame, ms: number): void {
  for (let passed = 0; passed < ms; passed += 16) {
    vi.advanceTimersByTime(16)
    frame.tick()
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 2_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the frame that charts share', () => {
  it('L-FRAME-1: a live window slides in each frame, and is drawn anew a few times a second', () => {
    const { frame } = open()
    const slid = vi.fn()
    const shown = vi.fn()
    frame.subscribeSlide(slid)
    frame.subscribeShown(shown)
    run(frame, 1_600)
    expect(slid).toHaveBeenCalledTimes(100)
    expect(shown.mock.calls.length).toBeGreaterThanOrEqual(4)
    expect(shown.mock.calls.length).toBeLessThanOrEqual(7)
    expect(frame.edge()).toBe(Date.now())
    expect(frame.getShown().to - frame.getShown().from).toBe(60_000)
  })

  it('L-FRAME-2: what is held stays as it is, readings are counted, and Resume shows them', () => {
    const { frame } = open()
    const before = frame.getShown()
    frame.note()
    frame.pause()
    run(frame, 1_000)
    for (let reading = 0; reading < 132; reading += 1) frame.note()
    frame.setPicture('bay', picture())
    run(frame, 400)
    expect(frame.getHold()).toEqual({ paused: true, arrived: 132 })
    expect(frame.getShown()).toBe(before)
    expect(frame.edge()).toBe(before.to)
    frame.resume()
    expect(frame.getHold()).toEqual({ paused: false, arrived: 0 })
    expect(frame.getShown().pictures.has('bay')).toBe(true)
    expect(frame.getShown().to).toBe(Date.now())
  })

  it('L-FRAME-3: a mouse holds while it is over any chart; crossing from one to the next changes nothing', () => {
    const { frame } = open()
    const changed = vi.fn()
    frame.hover(true)
    frame.subscribeHold(changed)
    frame.hover(false)
    run(frame, 200)
    frame.hover(true)
    run(frame, 1_000)
    expect(changed).not.toHaveBeenCalled()
    frame.hover(false)
    run(frame, 1_000)
    expect(frame.getHold().paused).toBe(false)
  })

  it('L-FRAME-4: what somebody holds by wish is not let go by a mouse that leaves', () => {
    const { frame } = open()
    frame.hover(true)
    frame.pause()
    frame.hover(false)
    run(frame, 1_000)
    expect(frame.getHold().paused).toBe(true)
  })

  it('L-FRAME-5: zooming out of a live window counts as held until it is live again', () => {
    const { frame } = open()
    frame.leave(live)
    frame.setRange(fixed)
    frame.note()
    run(frame, 400)
    expect(frame.getHold()).toEqual({ paused: true, arrived: 1 })
    expect(frame.leftFrom).toBe(live)
    expect([frame.getShown().from, frame.getShown().to]).toEqual([1_000_000, 1_010_000])
    frame.setRange(live)
    expect([frame.getHold().paused, frame.leftFrom]).toEqual([false, null])
  })

  it('L-FRAME-6: a chosen stretch is not held and does not slide; what comes into it is shown', () => {
    const { frame } = open(fixed)
    const slid = vi.fn()
    frame.subscribeSlide(slid)
    frame.pause()
    run(frame, 500)
    frame.setPicture('bay', picture())
    expect(frame.getHold().paused).toBe(false)
    expect(slid).not.toHaveBeenCalled()
    expect(frame.getShown().pictures.size).toBe(1)
    expect(frame.getShown().to).toBe(1_010_000)
  })

  it('L-FRAME-7: another range shows the pictures there are until its own have come', () => {
    const { frame } = open()
    const old = picture()
    frame.setPicture('bay', old)
    frame.setRange(fixed)
    expect(frame.getShown().pictures.get('bay')).toBe(old)
    frame.keep(new Set(['yard']))
    expect(frame.getShown().pictures.size).toBe(0)
  })

  it('L-FRAME-8: without a stream time stands still, instead of drawing what is not known', () => {
    const { frame, clock } = open()
    run(frame, 400)
    clock.blindSince = Date.now()
    run(frame, 30_000)
    expect(frame.edge()).toBe(clock.blindSince)
    expect(frame.getShown().to).toBeLessThanOrEqual(clock.blindSince)
  })

  it('L-FRAME-8: what was drawn ahead of the stream that is lost is drawn anew, and held where it is drawn', () => {
    const { frame, clock } = open()
    run(frame, 400)
    const lostAt = Date.now()
    run(frame, 25_000)
    clock.blindSince = lostAt
    run(frame, 400)
    expect(frame.getShown().to).toBe(lostAt)
    clock.blindSince = null
    run(frame, 400)
    const edges: number[] = []
    frame.subscribeSlide(() => edges.push(frame.edge()))
    vi.advanceTimersByTime(200)
    frame.pause('hover')
    expect(edges).toEqual([frame.getShown().to])
  })

  it('L-FRAME-9: a picture that nothing is added to any more knows nothing from then on', () => {
    const { frame } = open()
    frame.setPicture('bay', { ...picture(), to: 2_300_000 })
    frame.endPicture('bay')
    frame.endPicture('yard')
    run(frame, 1_000)
    expect(frame.getShown().pictures.get('bay')?.to).toBe(2_000_000)
    expect(frame.getShown().pictures.size).toBe(1)
  })

  it('L-FRAME-10: what a finger moves stays under it, whatever comes; dropped it is where it was', () => {
    const { frame } = open(fixed)
    frame.peek(940_000, 950_000)
    frame.setPicture('bay', picture())
    run(frame, 400)
    expect(frame.getShown().from).toBe(940_000)
    frame.drop()
    expect([frame.getShown().from, frame.getShown().pictures.size]).toEqual([1_000_000, 1])
    frame.peek(940_000, 950_000)
    frame.setRange({ ...fixed, from: 940_000, to: 950_000 })
    frame.setPicture('bay', picture())
    frame.drop()
    expect(frame.getShown().from).toBe(940_000)
  })
})
