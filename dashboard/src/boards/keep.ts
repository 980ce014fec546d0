import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type BoardContent, boardKeys, contentOf, createBoard, oneBoard } from './boards.ts'

const nameCharsMax = 200

export function copyName(name: string): string {
  const suffix = ' (copy)'
  return name.slice(0, nameCharsMax - suffix.length) + suffix
}

/** A board of one's own with this content, and there one goes. */
export function useKeep() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (content: BoardContent) => createBoard(contentOf(content)),
    onSuccess: async (board) => {
      queryClient.setQueryData(oneBoard(board.id).queryKey, board)
      void queryClient.invalidateQueries({ queryKey: boardKeys.lists })
      await navigate({
        ...{ to: '/boards/$boardId', params: { boardId: board.id }, search: {}, ignoreBlocker: true },
      })
      notifications.show({ message: `${board.name} is kept as your board.` })
    },
    onError: (error) => notifications.show({ message: `Not kept: ${error.message}` }),
  })
}
