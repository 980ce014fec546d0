import { useLocation } from '@tanstack/react-router'

/** Devices and batches belong to the fleet, a type to the types; a filter in the address changes nothing. */
export function placeOf(path: string): string {
  if (/^\/(devices|batches)(\/|$)/.test(path)) return '/'
  return path.replace(/^(\/(?:types|boards))\/.*/, '$1')
}

export function useHere(): (to: string) => { className: string; 'aria-current': 'page' | undefined } {
  const here = placeOf(useLocation({ select: (location) => location.pathname }))
  return (to) =>
    to === here
      ? { className: 'is-active', 'aria-current': 'page' }
      : { className: '', 'aria-current': undefined }
}
