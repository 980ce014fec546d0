import {
  type BoardRecord,
  createBoard,
  deleteBoard,
  getBoard,
  listBoards,
  saveBoard,
} from '@telltale/infra/storage/boards'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { Board, BoardChange, BoardQuery, BoardSummary, NewBoard, Page } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { CursorTime, decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { checkBoard } from './check-board.ts'
import { compileBoardValidator } from './validate-board.ts'

const Uuid = Type.String({ format: 'uuid' })
const BoardParams = Type.Object({ id: Uuid })
const PageKey = Type.Tuple([CursorTime, Uuid])
const USUAL_RANGE = { kind: 'live', windowMs: 15 * 60_000 } as const

/** A board changes no device, so every role may keep its own. */
export function boardRoutes(app: Api, deps: Deps): void {
  readRoutes(app, deps)
  createRoute(app, deps)
  changeRoutes(app, deps)
}

function readRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/boards',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['boards'],
        summary: 'List your boards and those others share, newest first',
        querystring: BoardQuery,
        response: { 200: Page(BoardSummary) },
      },
    },
    async (request) => {
      const { limit = 50, cursor, owner } = request.query
      const [createdAt, id] = decodeCursor<[string, string]>(cursor, PageKey) ?? []
      const before = createdAt && id ? { createdAt, id } : undefined
      const reader = principalOf(request).name
      const rows = await listBoards(pool, { reader, whose: owner, limit: limit + 1, before })
      const item = (row: (typeof rows)[number]) => row as BoardSummary
      return toPage(rows, limit, { item, key: (row) => [row.createdAt, row.id] })
    },
  )

  app.get(
    '/boards/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['boards'],
        summary: 'One board: yours, or one that is shared',
        params: BoardParams,
        response: { 200: Board },
      },
    },
    async (request) => toAnswer(await visibleBoard(request, pool, request.params.id)),
  )
}

function createRoute(app: Api, deps: Deps): void {
  app.post(
    '/boards',
    {
      config: { role: 'viewer' },
      validatorCompiler: compileBoardValidator,
      schema: {
        tags: ['boards'],
        summary: 'Keep a board',
        body: NewBoard,
        response: { 201: Board },
      },
    },
    async (request, reply) => {
      const { name, shared = false, range = USUAL_RANGE, panels = [] } = request.body
      checkBoard({ name, range, panels })
      const owner = principalOf(request).name
      const board = await createBoard(deps.pool, { owner, name, shared, range, panels })
      if (!board) throw new ProblemError('too_many_boards')
      await audit(deps, request, { action: 'board.create', ...recordOf(board) })
      return reply.code(201).header('location', `/api/v1/boards/${board.id}`).send(toAnswer(board))
    },
  )
}

function changeRoutes(app: Api, deps: Deps): void {
  const { pool } = deps

  app.put(
    '/boards/:id',
    {
      config: { role: 'viewer' },
      validatorCompiler: compileBoardValidator,
      schema: {
        tags: ['boards'],
        summary: 'Save a board, unless somebody else has saved it since `version`',
        params: BoardParams,
        body: BoardChange,
        response: { 200: Board },
      },
    },
    async (request) => {
      const { id } = request.params
      const known = await ownBoard(request, pool, id)
      const { version, ...content } = request.body
      checkBoard(content)
      const updatedBy = principalOf(request).name
      const saved = await saveBoard(pool, { ...content, id, version, updatedBy })
      if (!saved) throw await staleSave(pool, known)
      await audit(deps, request, { action: 'board.change', ...recordOf(saved) })
      return toAnswer(saved)
    },
  )

  app.delete(
    '/boards/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['boards'],
        summary: 'Delete a board',
        params: BoardParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const board = await ownBoard(request, pool, request.params.id)
      if (!(await deleteBoard(pool, board.id))) throw new ProblemError('board_not_found')
      await audit(deps, request, { action: 'board.delete', ...recordOf(board) })
      return reply.code(204).send(null)
    },
  )
}

/** A private board of somebody else is not there, for admins neither. */
async function visibleBoard(request: FastifyRequest, pool: Deps['pool'], id: string): Promise<BoardRecord> {
  const board = await getBoard(pool, id)
  if (!board || !(board.shared || board.owner === principalOf(request).name))
    throw new ProblemError('board_not_found')
  return board
}

/** One that this principal may change. */
async function ownBoard(request: FastifyRequest, pool: Deps['pool'], id: string): Promise<BoardRecord> {
  const board = await visibleBoard(request, pool, id)
  const { name, role } = principalOf(request)
  if (board.owner !== name && role !== 'admin') throw new ProblemError('forbidden')
  return board
}

/** Says who was first: it is them one has to talk to. */
async function staleSave(pool: Deps['pool'], known: BoardRecord): Promise<ProblemError> {
  const board = await getBoard(pool, known.id)
  if (!board) return new ProblemError('board_not_found')
  const message = `is not the newest: ${board.updatedBy} saved version ${board.version} at ${board.updatedAt}`
  return new ProblemError('board_changed', { fields: [{ path: 'body/version', message }] })
}

function recordOf({ id, name, shared, panels }: BoardRecord) {
  return { target: id, detail: { name, shared, panels: panels.length }, result: 'ok' as const }
}

/** What is stored was checked against the contract when it came. */
function toAnswer(board: BoardRecord): Board {
  return board as Board
}
