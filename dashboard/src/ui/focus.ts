/** A `ref` for what takes the place of the pressed button. One function, so that a new render does not focus again. */
export function focusOnMount(element: HTMLElement | null): void {
  element?.focus()
}
