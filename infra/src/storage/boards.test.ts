import { afterAll, beforeAll, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { createBoard, deleteBoard, getBoard, listBoards, saveBoard } from './boards.ts'

const tile = { kind: 'tile', id: 'a', deviceId: 'kitchen', metric: 'temperature', width: 3, height: 'small' }
const content = { name: 'Kitchen', shared: false, range: { kind: 'live', windowMs: 60_000 }, panels: [tile] }

describeEngines('boards', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
  })
  afterAll(() => database.drop())

  const create = async (owner: string, change: Partial<typeof content> = {}) => {
    const board = await createBoard(database.pool, { ...content, ...change, owner })
    if (!board) throw new Error('no place for another board')
    return board
  }

  it('U-BOARDS-1 a board is kept as it was given, and its version counts the saves', async () => {
    const board = await create('ada')
    expect(board).toMatchObject({ ...content, owner: 'ada', version: 1, updatedBy: 'ada' })
    const saved = await saveBoard(database.pool, {
      ...{ ...content, id: board.id, version: 1, name: 'Cellar', panels: [], updatedBy: 'bob' },
    })
    expect(saved).toMatchObject({ name: 'Cellar', panels: [], version: 2, owner: 'ada', updatedBy: 'bob' })
    expect(await getBoard(database.pool, board.id)).toEqual(saved)
    expect(await deleteBoard(database.pool, board.id)).toBe(true)
    expect(await deleteBoard(database.pool, board.id)).toBe(false)
    expect(await getBoard(database.pool, board.id)).toBeUndefined()
  })

  it('U-BOARDS-2 of two who save from the same version one wins, and nothing is overwritten', async () => {
    const board = await create('ada')
    const save = (name: string) =>
      saveBoard(database.pool, { ...content, id: board.id, version: 1, name, updatedBy: name })
    const answers = await Promise.all(['one', 'two', 'three', 'four'].map(save))
    const winners = answers.filter((answer) => answer !== undefined)
    expect(winners).toHaveLength(1)
    expect(await getBoard(database.pool, board.id)).toEqual(winners[0])
    expect(winners[0]?.version).toBe(2)
  })

  it('U-BOARDS-3 one owner has so many boards and no more, also when many are made at once', async () => {
    await database.pool.query(
      `INSERT INTO board (owner, name, range, panels, updated_by)
       SELECT 'busy', 'n', '{}', '[]', 'busy' FROM generate_series(1, $1)`,
      [limits.boards.perOwnerMax - 2],
    )
    const made = await Promise.all(
      Array.from({ length: 6 }, () => createBoard(database.pool, { ...content, owner: 'busy' })),
    )
    expect(made.filter((board) => board !== undefined)).toHaveLength(2)
    expect(await createBoard(database.pool, { ...content, owner: 'other' })).toBeDefined()
  })

  it('U-BOARDS-4 a list has the boards of who asks and the shared ones of others, newest first, page by page', async () => {
    await database.pool.query('DELETE FROM board')
    const mine = await create('eve')
    const shared = await create('mallory', { shared: true })
    await create('mallory')
    const mineShared = await create('eve', { shared: true })
    // Two of the same millisecond have no order that a test could know.
    await database.pool.query(
      `UPDATE board SET created_at = created_at + array_position($1, id) * interval '1 ms'
       WHERE id = ANY($1::uuid[])`,
      [[mine.id, shared.id, mineShared.id]],
    )
    const ids = async (whose?: 'me' | 'others') =>
      (await listBoards(database.pool, { reader: 'eve', whose, limit: 10 })).map(({ id }) => id)
    expect(await ids()).toEqual([mineShared.id, shared.id, mine.id])
    expect(await ids('me')).toEqual([mineShared.id, mine.id])
    expect(await ids('others')).toEqual([shared.id])
    const seen: string[] = []
    let before: { createdAt: string; id: string } | undefined
    for (;;) {
      const [board] = await listBoards(database.pool, { reader: 'eve', limit: 1, before })
      if (board === undefined) break
      seen.push(board.id)
      before = board
    }
    expect(seen).toEqual([mineShared.id, shared.id, mine.id])
    const [first] = await listBoards(database.pool, { reader: 'eve', limit: 1 })
    expect(first?.layout).toEqual([{ kind: 'tile', width: 3, height: 'small' }])
    expect(Object.keys(first ?? {}), 'what panels show is not in a list').not.toContain('panels')
  })
})
