import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLive } from '../use-live.ts'
import { keepInStep } from './in-step.ts'

/** Keeps every cached answer in step with the stream, whichever page shows it. */
export function useLiveSync(): void {
  const live = useLive()
  const queryClient = useQueryClient()
  useEffect(() => keepInStep(live, queryClient), [live, queryClient])
}
