/** Keeps the shell in the browser, where it may: not over plain http on a LAN, and not in development. */
export function keepShell(): void {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  const register = () => {
    // Blocked by a setting of the browser: then Telltale needs its network, as before.
    navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => undefined)
  }
  // The first screen comes first.
  if (document.readyState === 'complete') register()
  else window.addEventListener('load', register, { once: true })
}
