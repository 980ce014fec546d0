import { type ComponentProps, lazy, Suspense } from 'react'
import { SkeletonLines } from '../ui/states.tsx'

const SendForm = lazy(() => import('./send-form.tsx').then((module) => ({ default: module.SendForm })))

/** Forms made of schemas are no part of the first sight of a fleet. */
export function LazySendForm(props: ComponentProps<typeof SendForm>) {
  return (
    <Suspense fallback={<SkeletonLines lines={3} />}>
      <SendForm {...props} />
    </Suspense>
  )
}
