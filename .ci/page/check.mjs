// Looks at report pages as people do: in Chromium, wide and on a phone, light,
// dark and printed. A page passes when it asks nothing of anybody, says nothing
// on the console, fits its window, and all its text can be read.
//
//	node .ci/page/check.mjs FOLDER [OUT]
//
// FOLDER holds the pages, OUT receives a screenshot of each look (out beside
// this file by default). CHROMIUM names another browser than /usr/bin/chromium.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const mostBytes = 300_000

// 688 px is a sheet of A4 within its margins, and paper is white: a dark scheme
// must not show on it.
const looks = [
  { name: '1280-light', width: 1280, scheme: 'light' },
  { name: '1280-dark', width: 1280, scheme: 'dark' },
  { name: '390-light', width: 390, scheme: 'light', scale: 2, phone: true },
  { name: '390-dark', width: 390, scheme: 'dark', scale: 2, phone: true },
  { name: 'print', width: 688, scheme: 'dark', media: 'print' },
]

const [folder, out = fileURLToPath(new URL('out', import.meta.url))] = process.argv.slice(2)
const names = folder && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.html')).sort() : []
if (names.length === 0) {
  console.error(`check: no page in ${JSON.stringify(folder ?? '')}: want a folder with .html files`)
  process.exit(2)
}
mkdirSync(out, { recursive: true })

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  chromiumSandbox: false, // it cannot be had as root, and the pages are our own
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars'],
})

for (const look of looks) {
  look.context = await browser.newContext({
    viewport: { width: look.width, height: 900 },
    deviceScaleFactor: look.scale ?? 1,
    colorScheme: look.scheme,
    isMobile: look.phone ?? false,
    hasTouch: look.phone ?? false,
  })
}

/** problemsOf opens a page in one look and returns what is wrong with it. */
async function problemsOf(file, look, screenshot) {
  const problems = new Set()
  const url = pathToFileURL(file).href
  const page = await look.context.newPage()
  try {
    await page.route('**/*', (route) => {
      if (route.request().url() === url) return route.continue()
      problems.add(`it requests ${route.request().url().slice(0, 100)}`)
      return route.abort()
    })
    page.on('console', (message) => problems.add(`console ${message.type()}: ${message.text().slice(0, 200)}`))
    page.on('pageerror', (error) => problems.add(`script error: ${error.message.slice(0, 200)}`))
    await page.emulateMedia({ media: look.media ?? 'screen', colorScheme: look.scheme })
    await page.goto(url, { waitUntil: 'load' })
    if (screenshot) await page.screenshot({ path: screenshot, fullPage: true })
    // What is folded away has to be readable too; and with the window as high as
    // the page, every text can be asked what lies below it.
    const height = await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
      return document.documentElement.scrollHeight
    })
    await page.setViewportSize({ width: look.width, height: Math.min(Math.max(height, 900), 30_000) })
    for (const problem of await page.evaluate(inspect, { print: look.media === 'print' })) problems.add(problem)
  } finally {
    await page.close()
  }
  return [...problems]
}

/** inspect runs in the page, and knows only what stands in it. */
function inspect({ print }) {
  const problems = []
  const quote = (s) => JSON.stringify(s.trim().replace(/\s+/g, ' ').slice(0, 60))

  if (document.scripts.length > 0) problems.push('it has a script')
  if (!document.title) problems.push('it has no title')
  if (!document.documentElement.lang) problems.push('it has no language')
  if (!document.querySelector('link[rel~=icon][href^="data:"]')) problems.push('it has no icon of its own, so a browser asks for /favicon.ico')
  const wide = document.documentElement.scrollWidth
  if (wide > innerWidth) {
    const culprit = [...document.body.querySelectorAll('*')].find((e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest('.box'))
    problems.push(`it is ${wide} px wide in a window of ${innerWidth}: ${culprit ? quote(culprit.outerHTML) : 'unknown why'}`)
  }
  for (const svg of document.querySelectorAll('svg:not(svg svg):not([aria-hidden=true])')) {
    const label = svg.getAttribute('aria-label') ?? (svg.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
    if (svg.getAttribute('role') !== 'img' || !label.trim()) problems.push(`a chart without words: ${quote(svg.outerHTML)}`)
    if (svg.getBoundingClientRect().width < 40) problems.push(`a chart without room: ${quote(svg.outerHTML)}`)
  }

  // Colours, as the browser computes them: rgb, or whatever a canvas turns to rgb.
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true })
  const seen = new Map()
  const rgba = (color) => {
    if (!seen.has(color)) {
      canvas.clearRect(0, 0, 1, 1)
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
      seen.set(color, [r, g, b, a / 255])
    }
    return seen.get(color)
  }
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)]
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p)
    return (x + 0.05) / (y + 0.05)
  }
  const paper = getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches && !print ? [18, 18, 18] : [255, 255, 255]
  // What an element paints below its text. Lines are no ground to read on.
  const ground = (e) => {
    const style = getComputedStyle(e)
    if (!(e instanceof SVGElement) || e instanceof SVGSVGElement) return rgba(style.backgroundColor)
    return e instanceof SVGTextContentElement || style.fill === 'none' ? [0, 0, 0, 0] : rgba(style.fill)
  }
  const below = (e, x, y) => {
    let stack = document.elementsFromPoint(x, y)
    if (stack.includes(e)) {
      stack = stack.slice(stack.indexOf(e))
    } else { // scrolled out of its box: what it lies in will do
      stack = []
      for (let up = e; up; up = up.parentElement) stack.push(up)
    }
    return stack.map(ground).reduceRight((sum, layer) => over(layer, sum), paper)
  }

  // checkVisibility takes SVG text in a group that is not displayed for visible.
  const hidden = (e) => {
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return true
    for (let up = e; up; up = up.parentElement) if (getComputedStyle(up).display === 'none') return true
    return false
  }

  const boxes = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement
    if (!node.data.trim() || e.closest('title, desc') || hidden(e)) continue
    if (e.closest('.sr')) continue // for ears
    const range = document.createRange()
    range.selectNodeContents(node)
    const rects = [...range.getClientRects()].filter((r) => r.width > 1 && r.height > 1)
    if (rects.length === 0) continue
    const style = getComputedStyle(e)
    const size = parseFloat(style.fontSize)
    const least = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700) ? 3 : 4.5
    const { left, top, width, height } = rects[0]
    const back = below(e, left + width / 2, top + height / 2)
    const color = over(rgba(e instanceof SVGElement ? style.fill : style.color), back)
    const got = ratio(color, back)
    if (got < least) problems.push(`contrast ${got.toFixed(2)} of ${quote(node.data)}: want ${least}`)
    if (size < 12) problems.push(`text of ${size} px: ${quote(node.data)}`)
    const scrolls = e.closest('.box')
    for (const r of rects) {
      if (!scrolls && (r.left < -0.5 || r.right > innerWidth + 0.5)) problems.push(`text outside the window: ${quote(node.data)}`)
      // Glyphs fill some two thirds of their line.
      if (!scrolls) boxes.push({ node, left: r.left, right: r.right, top: r.top + r.height * 0.18, bottom: r.bottom - r.height * 0.18 })
    }
  }
  boxes.sort((a, b) => a.top - b.top)
  boxes.forEach((a, i) => {
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom; j++) {
      const b = boxes[j]
      if (a.node !== b.node && a.left < b.right - 0.5 && b.left < a.right - 0.5) problems.push(`${quote(a.node.data)} lies over ${quote(b.node.data)}`)
    }
  })
  return problems
}

/** check returns what is wrong with a page in some looks. */
async function check(file, looks, shots) {
  const problems = []
  const size = readFileSync(file).length
  if (size >= mostBytes) problems.push(`${size} bytes: want fewer than ${mostBytes}`)
  for (const look of looks) {
    const shot = shots && path.join(shots, `${path.basename(file, '.html')}-${look.name}.png`)
    problems.push(...(await problemsOf(file, look, shot)).map((problem) => `${look.name}: ${problem}`))
  }
  return { size, problems }
}

// A check that finds nothing proves nothing: each of these pages has one fault,
// and has to be told so.
const sound = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>t</title><link rel="icon" href="data:,"><body style="background:#fff;color:#000">'
const faults = {
  'it requests': '<img alt="" src="http://127.0.0.1:9/pixel.png">',
  'console error': '<meta http-equiv="Content-Security-Policy" content="img-src data:"><img alt="" src="http://127.0.0.1:9/pixel.png">',
  'console warning': '<script>console.warn("w")</script>',
  'it has a script': '<script></script>',
  'px wide': '<div style="width:1400px">wide</div>',
  'text of 9 px': '<p style="font-size:9px">small',
  'contrast': '<p style="color:#888">grey</p>',
  'contrast 1.00 of "white"': '<p style="color:rgba(255,255,255,1)">white</p>',
  'contrast 1.00 of "black"': '<div style="background:#000"><p><span>black</span></p></div>',
  'contrast 1.00 of "chart"': '<svg role="img" aria-label="c" width="200" height="40"><text y="20" fill="#fff">chart</text></svg>',
  'contrast 1.00 of "bar"': '<svg role="img" aria-label="c" width="200" height="40"><rect width="200" height="40"/><text y="20">bar</text></svg>',
  '"one" lies over "two"': '<svg role="img" aria-label="c" width="200" height="40"><text y="20">one</text><text x="5" y="24">two</text></svg>',
  'text outside the window': '<svg role="img" aria-label="c" width="200" height="40" style="overflow:visible"><text x="-20" y="20">left</text></svg>',
  'a chart without words': '<svg width="200" height="40"></svg>',
  'bytes: want fewer': `<p>${'many '.repeat(mostBytes / 5)}`,
}

let passed = 0
let failed = 0
function tell(name, problems, detail) {
  if (problems.length === 0) passed++
  else failed++
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}${detail}`)
  for (const problem of problems.slice(0, 10)) console.log(`       ${problem}`)
  if (problems.length > 10) console.log(`       and ${problems.length - 10} more`)
}

const temporary = mkdtempSync(path.join(tmpdir(), 'page-check-'))
try {
  const missed = []
  for (const [want, html] of [...Object.entries(faults), ['', '<p>sound']]) {
    const file = path.join(temporary, 'page.html')
    writeFileSync(file, sound + html)
    const { problems } = await check(file, looks.slice(0, 1))
    if (want ? !problems.some((problem) => problem.includes(want)) : problems.length > 0) {
      missed.push(`${want ? `a page with the fault "${want}"` : 'a sound page'} is told ${JSON.stringify(problems)}`)
    }
  }
  tell('the check itself', missed, ` finds ${Object.keys(faults).length} planted faults`)
  for (const name of names) {
    const { size, problems } = await check(path.join(folder, name), looks, out)
    tell(name, problems, `, ${(size / 1000).toFixed(0)} kB: ${looks.map((look) => look.name).join(', ')}`)
  }
} finally {
  await browser.close()
  rmSync(temporary, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
