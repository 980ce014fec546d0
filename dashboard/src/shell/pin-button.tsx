import { Pin, PinOff } from 'lucide-react'
import { pinsMax, usePins } from './pins.ts'

/** Keeps a device in the side bar, with its lamp and first value. */
export function PinButton({ deviceId }: { deviceId: string }) {
  const { pins, isFull, toggle } = usePins()
  const isPinned = pins.includes(deviceId)
  const isRefused = isFull && !isPinned
  const Icon = isPinned ? PinOff : Pin
  const title = isPinned
    ? 'Take it from the side bar'
    : isRefused
      ? `${pinsMax} devices are pinned already: unpin one first`
      : 'Keep it in the side bar'
  return (
    <button
      type="button"
      className="btn btn--quiet btn--icon not-phone"
      aria-pressed={isPinned}
      aria-label="Pinned to the side bar"
      aria-disabled={isRefused}
      title={title}
      onClick={() => toggle(deviceId)}
    >
      <Icon className="i" aria-hidden="true" />
    </button>
  )
}
