// Runs before the bundle, so a dark screen never flashes white. Keep in step with src/ui/theme.ts.
;(() => {
  let choice = null
  try {
    choice = localStorage.getItem('telltale-theme')
  } catch {
    // Storage may be blocked; the system's preference is a fine answer then.
  }
  const dark =
    choice === 'dark' || (choice !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light'
})()
