import { expect, it } from 'vitest'
import { InOrder } from './order.ts'

it('T-ORDER-1 releases in the order of entry whatever the order of completion', () => {
  const order = new InOrder<'done'>()
  const released: number[] = []
  const done = [0, 1, 2, 3].map((n) => order.enter(() => released.push(n)))
  done[2]?.('done')
  done[1]?.('done')
  expect(released).toEqual([])
  done[0]?.('done')
  expect(released).toEqual([0, 1, 2])
  const late = order.enter(() => released.push(4))
  late('done')
  expect(released).toEqual([0, 1, 2])
  done[3]?.('done')
  expect(released).toEqual([0, 1, 2, 3, 4])
})
