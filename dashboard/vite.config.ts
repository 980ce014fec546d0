import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin, type Rolldown } from 'vite'

export default defineConfig({
  plugins: [react(), preloadFont()],
  build: {
    outDir: 'dist',
    target: 'es2023',
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'first', tags: ['$initial'], priority: 3 },
            // Nobody but a page with charts is to wait for these.
            { name: 'charts', test: /recharts|d3-|decimal|redux|immer|reselect/, priority: 2 },
            // The fleet is what people see first: of what it shares with others it loads its own part, and no more.
            {
              name: partOf('src/fleet/fleet.tsx', 'everyday'),
              debugName: 'everyday',
              minShareCount: 2,
              priority: 2,
            },
            // Not merged with bigger things that somebody who needs an icon would load with it.
            { name: 'icons', test: /lucide-react/, minShareCount: 2, priority: 2 },
            {
              name: 'shared',
              minShareCount: 2,
              entriesAware: true,
              // Not merged by size: a small part that the fleet needs has brought all of the charts along.
              entriesAwareMergeThreshold: 0,
              priority: 1,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': { target: 'http://127.0.0.1:8080', ws: true },
      '/readyz': 'http://127.0.0.1:8080',
    },
  },
})

/** What the fleet uses of libraries that others use too. Only we know which of a library's modules. */
const everydayParts =
  /@tanstack\/(react-virtual|virtual-core)|@mantine\/hooks\/esm\/use-(window-event|local-storage)/

/** The modules of ours that a file loads at once. */
function partOf(file: string, name: string): Rolldown.CodeSplittingNameFunction {
  const start = fileURLToPath(new URL(file, import.meta.url))
  const part = new Set<string>()
  return (id, context) => {
    const visit = (module: string) => {
      if (part.has(module) || module.includes('/node_modules/')) return
      part.add(module)
      for (const imported of context.getModuleInfo(module)?.importedIds ?? []) visit(imported)
    }
    visit(start)
    return part.has(id) || everydayParts.test(id) ? name : null
  }
}

/** The letters of the first screen come with its styles, not after them; other alphabets wait until one is needed. */
function preloadFont(): Plugin {
  return {
    name: 'preload-font',
    transformIndexHtml: {
      order: 'post',
      handler: (_, { bundle = {} }) =>
        Object.keys(bundle)
          .filter((name) => /inter-latin-wght-normal.*\.woff2$/.test(name))
          .map((name) => ({
            tag: 'link',
            injectTo: 'head',
            attrs: { rel: 'preload', href: `/${name}`, as: 'font', type: 'font/woff2', crossorigin: '' },
          })),
    },
  }
}
