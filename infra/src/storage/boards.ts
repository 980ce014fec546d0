import { limits } from '../limits.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

/** A dashboard somebody composed; `api/src/contract/boards.ts` has the shape of its range and panels. */
export interface BoardRecord extends BoardHead {
  range: object
  panels: object[]
}

/** A board as lists show it: how it is laid out, not what its panels show. */
export interface BoardSummary extends BoardHead {
  layout: { kind: string; width: number; height: string }[]
}

interface BoardHead {
  id: string
  name: string
  owner: string
  shared: boolean
  /** Counts the saves, from 1. */
  version: number
  createdAt: string
  updatedAt: string
  updatedBy: string
}

export type BoardContent = Pick<BoardRecord, 'name' | 'shared' | 'range' | 'panels'>

interface HeadRow {
  id: string
  name: string
  owner: string
  shared: boolean
  version: number
  created_at: Date
  updated_at: Date
  updated_by: string
}

type BoardRow = HeadRow & Pick<BoardRecord, 'range' | 'panels'>

const HEAD = 'id, name, owner, shared, version, created_at, updated_at, updated_by'
const ALL = `${HEAD}, range, panels`
const LAYOUT = `(SELECT coalesce(json_agg(json_build_object('kind', p -> 'kind', 'width', p -> 'width', 'height',
  p -> 'height') ORDER BY at), '[]') FROM jsonb_array_elements(panels) WITH ORDINALITY AS panel (p, at)) AS layout`

/** Undefined: the owner has as many as one may have. */
export function createBoard(
  pool: Pool,
  board: BoardContent & { owner: string },
): Promise<BoardRecord | undefined> {
  return inTransaction(pool, async (db) => {
    // Boards of one owner are counted one at a time: two requests at once do not both take the last place.
    await db.query(`SELECT pg_advisory_xact_lock(hashtext('board'), hashtext($1))`, [board.owner])
    const { rows } = await db.query<BoardRow>(
      `INSERT INTO board (owner, name, shared, range, panels, updated_by)
       SELECT $1, $2, $3, $4, $5, $1 WHERE (SELECT count(*) FROM board WHERE owner = $1) < $6
       RETURNING ${ALL}`,
      [board.owner, ...contentOf(board), limits.boards.perOwnerMax],
    )
    return rows[0] && toBoard(rows[0])
  })
}

/** Whatever its owner: who may see it is for the caller to say. */
export async function getBoard(db: Queryable, id: string): Promise<BoardRecord | undefined> {
  const { rows } = await db.query<BoardRow>(`SELECT ${ALL} FROM board WHERE id = $1`, [id])
  return rows[0] && toBoard(rows[0])
}

export interface BoardPage {
  /** Who asks: their own boards, and those of others that are shared. */
  reader: string
  whose?: 'me' | 'others' | undefined
  limit: number
  before?: { createdAt: string; id: string } | undefined
}

/** Newest first. */
export async function listBoards(db: Queryable, page: BoardPage): Promise<BoardSummary[]> {
  const { rows } = await db.query<HeadRow & Pick<BoardSummary, 'layout'>>(
    `SELECT ${HEAD}, ${LAYOUT} FROM board
     WHERE (owner = $1 AND $2 <> 'others' OR shared AND owner <> $1 AND $2 <> 'me')
       AND ($3::timestamptz IS NULL OR (date_trunc('milliseconds', created_at), id) < ($3, $4::uuid))
     ORDER BY date_trunc('milliseconds', created_at) DESC, id DESC LIMIT $5`,
    [page.reader, page.whose ?? 'all', page.before?.createdAt ?? null, page.before?.id ?? null, page.limit],
  )
  return rows.map((row) => ({ ...toHead(row), layout: row.layout }))
}

/** Replaces what a board shows. Undefined: it is gone, or has been saved since `version`; nothing is overwritten. */
export async function saveBoard(
  db: Queryable,
  board: BoardContent & { id: string; version: number; updatedBy: string },
): Promise<BoardRecord | undefined> {
  const { rows } = await db.query<BoardRow>(
    `UPDATE board SET name = $3, shared = $4, range = $5, panels = $6, updated_by = $7, updated_at = now(),
       version = version + 1
     WHERE id = $1 AND version = $2 RETURNING ${ALL}`,
    [board.id, board.version, ...contentOf(board), board.updatedBy],
  )
  return rows[0] && toBoard(rows[0])
}

/** False when there is none. */
export async function deleteBoard(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query('DELETE FROM board WHERE id = $1', [id])
  return rowCount === 1
}

/**
 * The boards of somebody who has left: shared ones get a new owner, the others are deleted. Who takes themselves away
 * cannot be the heir: the admin who has been there longest is.
 */
export async function passOnBoards(db: Queryable, owner: string, heir: string): Promise<void> {
  await db.query('DELETE FROM board WHERE owner = $1 AND NOT shared', [owner])
  await db.query(
    `UPDATE board SET owner = CASE WHEN $2 <> $1 THEN $2 ELSE coalesce((
       SELECT username FROM app_user WHERE role = 'admin' AND disabled_at IS NULL
       ORDER BY password_hash IS NULL, created_at, id LIMIT 1), $1) END
     WHERE owner = $1`,
    [owner, heir],
  )
}

function contentOf({ name, shared, range, panels }: BoardContent): unknown[] {
  return [name, shared, JSON.stringify(range), JSON.stringify(panels)]
}

function toBoard(row: BoardRow): BoardRecord {
  return { ...toHead(row), range: row.range, panels: row.panels }
}

function toHead(row: HeadRow): BoardHead {
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    shared: row.shared,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updated_by,
  }
}
