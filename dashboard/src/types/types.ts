import { queryOptions, useQuery } from '@tanstack/react-query'
import type { DeviceType, DeviceTypeBody } from '@telltale/api/contract'
import { get, send } from '../api.ts'

type TypePage = { items: DeviceType[]; nextCursor: string | null }

const typeName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/
/** Types change by hand, some times a year. */
const staleMs = 60_000
const pageSize = 200
const pagesMax = 5

/** All of them, in one answer for most: a question for a single one that nobody described would be an error. */
export const typeList = queryOptions({
  queryKey: ['types'],
  queryFn: async ({ signal }) => {
    const types: DeviceType[] = []
    let cursor: string | undefined
    for (let page = 0; page < pagesMax; page += 1) {
      const { items, nextCursor } = await get<TypePage>('/types', { limit: pageSize, cursor }, signal)
      types.push(...items)
      if (nextCursor === null) break
      cursor = nextCursor
    }
    return types
  },
  staleTime: staleMs,
})

/** Null: it names none, or one that nobody has described. */
export function useTypeOf(name: string | null) {
  return useQuery({
    ...typeList,
    enabled: name !== null,
    select: (types) => types.find((type) => type.name === name) ?? null,
  })
}

export function putType(name: string, body: DeviceTypeBody): Promise<DeviceType> {
  return send<DeviceType>('PUT', `/types/${name}`, body)
}

export function deleteType(name: string): Promise<void> {
  return send<void>('DELETE', `/types/${name}`)
}

export function typeNameError(name: string): string | null {
  if (name === '' || typeName.test(name)) return null
  return 'Up to 64 letters, digits, “_”, “-” and “.”, and no dot at the start: it becomes part of an address.'
}
