// Looks at report pages as people do: in Chromium, wide and on a phone, light,
// dark and printed. A page passes when it asks nothing of anybody, says nothing
// on the console, fits its window, all its text can be read, axe-core and
// html-validate find nothing, and its first screen says what matters. The README's
// pictures have to look like what they are of.
//
//	node .ci/page/check.mjs FOLDER OUT PICTURES
//
// FOLDER holds the pages, OUT receives a screenshot of each look, PICTURES holds
// the README's: with UPDATE=1 they are made anew. ONLY=PART checks the pages whose names have it. CHROMIUM names another browser than
// /usr/bin/chromium.

import { createRequire } from 'node:module'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { HtmlValidate } from 'html-validate'
import { chromium } from 'playwright-core'

const mostBytes = 300_000
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const validator = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: { 'long-title': 'off', 'require-sri': 'off' },
})

// 688 px is a sheet of A4 within its margins, and paper is white: a dark scheme
// must not show on it.
const looks = [
  { name: '1280-light', width: 1280, scheme: 'light', axe: true },
  { name: '1280-dark', width: 1280, scheme: 'dark' },
  { name: '390-light', width: 390, scheme: 'light', scale: 2, phone: true },
  { name: '390-dark', width: 390, scheme: 'dark', scale: 2, phone: true, axe: true },
  { name: 'print', width: 688, scheme: 'dark', media: 'print' },
]

// What stands on the first screen of a laptop and of a phone, for the pages that are
// made to show it.
const firstScreens = [
  { name: 'first-laptop-light', width: 1366, height: 768, scheme: 'light' },
  { name: 'first-laptop-dark', width: 1366, height: 768, scheme: 'dark' },
  { name: 'first-phone-light', width: 390, height: 844, scheme: 'light', scale: 2, phone: true },
  { name: 'first-phone-dark', width: 390, height: 844, scheme: 'dark', scale: 2, phone: true },
]
const isFirst = (name) => name.startsWith('screen-')

// The README's pictures are of this page.
const pictured = 'screen-loss.en.html'
const pictures = [
  { name: 'page-light', width: 1280, height: 800, scheme: 'light' },
  { name: 'page-dark', width: 1280, height: 800, scheme: 'dark' },
]
const pictureBytes = 150_000

const [folder, out, pictureFolder] = process.argv.slice(2)
const names = folder && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.html') && name.includes(process.env.ONLY ?? '')).sort() : []
if (names.length === 0 || !pictureFolder) {
  console.error(`check: no page in ${JSON.stringify(folder ?? '')}, or no folder for screenshots or pictures: want FOLDER with .html files, OUT and PICTURES`)
  process.exit(2)
}
mkdirSync(out, { recursive: true })

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  chromiumSandbox: false, // it cannot be had as root, and the pages are our own
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars'],
})

for (const look of [...looks, ...firstScreens, ...pictures]) {
  look.context = await browser.newContext({
    viewport: { width: look.width, height: look.height ?? 900 },
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
    if (look.axe) {
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
      for (const v of violations) problems.add(`axe ${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 120)}`)
    }
  } finally {
    await page.close()
  }
  return [...problems]
}

/** firstScreen takes what a window shows before anybody scrolls, and returns what it misses. */
async function firstScreen(file, look, screenshot) {
  const page = await look.context.newPage()
  try {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.goto(pathToFileURL(file).href, { waitUntil: 'load' })
    await page.screenshot({ path: screenshot })
    return await page.evaluate(() => {
      const missing = (selector, what) => {
        const e = document.querySelector(selector)
        return e && e.getBoundingClientRect().bottom > innerHeight ? [`${what} ends ${Math.round(e.getBoundingClientRect().bottom - innerHeight)} px below the first screen`] : []
      }
      const numbers = document.querySelector('.headline')
      const alarm = document.querySelector('.alerts .critical, .alerts .warning')
      return [
        ...missing('.lead', 'the first sentence'),
        ...missing('.alert.critical p, .alert.warning p', 'what to do'),
        ...(alarm ? [] : missing('.big', 'the first number')),
        ...(alarm && numbers && alarm.getBoundingClientRect().top > numbers.getBoundingClientRect().top ? ['numbers stand before an alert'] : []),
      ]
    })
  } finally {
    await page.close()
  }
}

/** differs tells how far two pictures are apart, from 0 to 1, as seen from afar: fonts are not the same everywhere. */
async function differs(a, b) {
  const page = await looks[0].context.newPage()
  try {
    return await page.evaluate(async (images) => {
      const pixels = []
      for (const image of images) {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob())
        const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 40 }).getContext('2d')
        canvas.imageSmoothingQuality = 'high'
        canvas.drawImage(bitmap, 0, 0, 64, 40)
        pixels.push(canvas.getImageData(0, 0, 64, 40).data)
      }
      return pixels[0].reduce((sum, v, i) => sum + Math.abs(v - pixels[1][i]), 0) / pixels[0].length / 255
    }, [a, b].map((data) => data.toString('base64')))
  } finally {
    await page.close()
  }
}

/** checkPictures holds the README's pictures against the page, or makes them. */
async function checkPictures() {
  const problems = []
  for (const look of pictures) {
    const shot = path.join(out, `${look.name}.png`)
    await firstScreen(path.join(folder, pictured), look, shot)
    const file = path.join(pictureFolder, `${look.name}.png`)
    const now = readFileSync(shot)
    if (process.env.UPDATE) writeFileSync(file, now)
    if (!existsSync(file)) {
      problems.push(`${file} is not there: UPDATE=1 makes it`)
      continue
    }
    const stored = readFileSync(file)
    if (stored.length > pictureBytes) problems.push(`${file} has ${stored.length} bytes: want ${pictureBytes} at most`)
    const by = await differs(stored, now)
    if (by > 0.02) problems.push(`${file} is not what the page looks like: it differs by ${(by * 100).toFixed(1)} %: UPDATE=1 makes it anew`)
  }
  const by = await differs(readFileSync(path.join(out, 'page-light.png')), readFileSync(path.join(out, 'page-dark.png')))
  if (by < 0.1) problems.push('the light and the dark picture are taken for the same: the comparison sees nothing')
  return problems
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
    if (!['img', 'group'].includes(svg.getAttribute('role')) || !label.trim()) problems.push(`a chart without words: ${quote(svg.outerHTML)}`)
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
  for (const { messages } of (await validator.validateFile(file)).results) {
    for (const m of messages) problems.push(`html-validate ${m.ruleId}, line ${m.line}: ${m.message}`)
  }
  if (shots && isFirst(path.basename(file))) {
    for (const look of firstScreens) {
      const shot = path.join(shots, `${path.basename(file, '.html')}-${look.name}.png`)
      problems.push(...(await firstScreen(file, look, shot)).map((problem) => `${look.name}: ${problem}`))
    }
  }
  // Words of another language are as long or longer; the rest is the same.
  for (const look of file.includes('.zh-CN.') ? looks.filter((look) => look.axe && look.phone) : looks) {
    const shot = shots && path.join(shots, `${path.basename(file, '.html')}-${look.name}.png`)
    problems.push(...(await problemsOf(file, look, shot)).map((problem) => `${look.name}: ${problem}`))
  }
  return { size, problems }
}

// A check that finds nothing proves nothing: each of these pages has one fault,
// and has to be told so.
const sound = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>t</title><link rel="icon" href="data:,"><style>body{background:#fff;color:#000}</style></head><body><main><h1>t</h1>'
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
  'html-validate': '<p><div>no</div></p>',
  'axe ': '<button></button>',
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
  for (const [want, html] of [...Object.entries(faults), ['', '<p>sound</p>']]) {
    const file = path.join(temporary, 'page.html')
    writeFileSync(file, `${sound}${html}</main></body></html>`)
    const { problems } = await check(file, looks.slice(0, 1))
    if (want ? !problems.some((problem) => problem.includes(want)) : problems.length > 0) {
      missed.push(`${want ? `a page with the fault "${want}"` : 'a sound page'} is told ${JSON.stringify(problems)}`)
    }
  }
  tell('the check itself', missed, ` finds ${Object.keys(faults).length} planted faults`)
  const atOnce = availableParallelism()
  for (let n = 0; n < names.length; n += atOnce) {
    const some = names.slice(n, n + atOnce)
    const checked = await Promise.all(some.map((name) => check(path.join(folder, name), looks, out)))
    some.forEach((name, i) => tell(name, checked[i].problems, `, ${(checked[i].size / 1000).toFixed(0)} kB`))
  }
  tell('the pictures of the README', await checkPictures(), `, of ${pictured}`)
} finally {
  await browser.close()
  rmSync(temporary, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
