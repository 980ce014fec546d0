import { chromium } from 'playwright-core'
import { readFileSync } from 'node:fs'
const [out, h, ...files] = process.argv.slice(2)
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const p = await b.newPage({ viewport: { width: 1900, height: 1200 } })
await p.setContent(`<body style="margin:6px;background:#bbb;display:flex;flex-wrap:wrap;gap:6px">${files.map((f) => `<img src="data:image/png;base64,${readFileSync('/tmp/dash-shots/' + f + '.png').toString('base64')}" style="height:${h}px">`).join('')}</body>`)
await p.screenshot({ path: out, fullPage: true }); await b.close()
