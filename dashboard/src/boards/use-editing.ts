import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Board } from '@telltale/api/contract'
import { useState } from 'react'
import { type BoardContent, boardKeys, contentOf, oneBoard, saveBoard } from './boards.ts'

const undoMax = 100

type Past = { draft: BoardContent; what: string | null }

/** The board as it is being changed, each step of which can be taken back. */
export function useEditing(board: Board) {
  const [base, setBase] = useState(board)
  const [draft, setDraft] = useState<BoardContent>(() => contentOf(board))
  const [past, setPast] = useState<readonly Past[]>([])
  const [said, setSaid] = useState('')
  const queryClient = useQueryClient()
  const isDirty = JSON.stringify(draft) !== JSON.stringify(contentOf(base))
  const save = useMutation({
    mutationFn: () => saveBoard(base.id, { ...draft, name: draft.name.trim(), version: base.version }),
    onSuccess: (saved) => {
      rebase(saved)
      queryClient.setQueryData(oneBoard(saved.id).queryKey, saved)
      void queryClient.invalidateQueries({ queryKey: boardKeys.lists })
      notifications.show({ message: `${saved.name} is saved.` })
    },
    // Whoever was first is shown at once.
    onError: () => queryClient.invalidateQueries({ queryKey: oneBoard(base.id).queryKey }),
  })
  const rebase = (saved: Board) => {
    setBase(saved)
    setDraft(contentOf(saved))
    setPast([])
    setSaid('')
  }
  return {
    ...{ base, draft, said },
    dirty: isDirty && !save.isPending,
    canUndo: past.length > 0,
    isSaving: save.isPending,
    error: save.error,
    save: (onSaved: () => void) => save.mutate(undefined, { onSuccess: onSaved }),
    /** Steps of one kind in a row, such as the letters of a name, are taken back together. */
    change: (next: BoardContent, words: string, what: string | null = null) => {
      const isMore = what !== null && past.at(-1)?.what === what
      if (!isMore) setPast([...past, { draft, what }].slice(-undoMax))
      setDraft(next)
      setSaid(words)
    },
    undo: () => {
      const last = past.at(-1)
      if (last === undefined) return
      setDraft(last.draft)
      setPast(past.slice(0, -1))
      setSaid('Taken back.')
    },
    takeTheirs: () => {
      rebase(board)
      save.reset()
    },
  }
}

export type Editing = ReturnType<typeof useEditing>
