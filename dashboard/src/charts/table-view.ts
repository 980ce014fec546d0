import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** `?view=table` in the address of whatever page this is on: what is shared is shown the same way. */
export function useTableView(): { isTable: boolean; showTable: (isTable: boolean) => void } {
  const { view } = useSearch({ strict: false }) as { view?: unknown }
  const navigate = useNavigate()
  const showTable = useCallback(
    (isTable: boolean) =>
      void navigate({
        to: '.',
        // Each page with charts keeps what it does not know; which page this is, is not known here.
        search: ((old: Record<string, unknown>) => ({
          ...old,
          view: isTable ? 'table' : undefined,
        })) as never,
        state: (old) => old,
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  )
  return { isTable: view === 'table', showTable }
}
