import type { DialogProps } from './dialog.tsx'
import { useLate } from './use-late.ts'

const load = () => import('./dialog.tsx').then(({ Dialog }) => Dialog)

/** A dialog is never the first thing seen: it is loaded when it is first opened, if it did not come before. */
export function LateDialog(props: DialogProps) {
  const [Dialog] = useLate(load, props.opened, props.onClose)
  return Dialog === null ? null : <Dialog {...props} />
}
