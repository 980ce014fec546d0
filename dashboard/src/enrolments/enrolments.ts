import { infiniteQueryOptions } from '@tanstack/react-query'
import type { Device, Enrolment } from '@telltale/api/contract'
import { get, send } from '../api.ts'

type EnrolmentPage = { items: Enrolment[]; nextCursor: string | null }

const refreshMs = 10_000

export const waitingDevices = infiniteQueryOptions({
  queryKey: ['enrolments'],
  queryFn: ({ pageParam, signal }) => get<EnrolmentPage>('/enrolments', { cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: refreshMs,
})

export function approveEnrolment(deviceId: string): Promise<Device> {
  return send<Device>('POST', `/enrolments/${deviceId}/approve`)
}

export function rejectEnrolment(deviceId: string): Promise<void> {
  return send<void>('DELETE', `/enrolments/${deviceId}`)
}
