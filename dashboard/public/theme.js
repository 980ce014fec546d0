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
  // The plane behind the page, --surface in src/ui/tokens.css.
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#131519' : '#ffffff')
})()
