// Validates s.yaml: renders it with the parser of Serverless Devs, checks what
// comes out against the schema of the component fc3 and against what that schema
// lets through, and then proves on broken copies that it would have said no.
//
//	FC3_SCHEMA=fc3-schema.json node .ci/validate-s-yaml.mjs

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Ajv from 'ajv'
import yaml from 'js-yaml'

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')
const folder = mkdtempSync(path.join(tmpdir(), 's-yaml-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

// The parser reads the deployer's keys from the home folder: it gets an empty one.
process.env.serverless_devs_config_home = folder
const { default: { default: ParseSpec } } = await import('@serverless-devs/parse-spec')

const quiet = Object.fromEntries(['log', 'info', 'warn', 'warnOnce', 'error', 'debug', 'tips', 'write'].map((name) => [name, () => {}]))

// What the deploying machine sets for ${env(...)} in s.yaml.
const environment = {
  OSS_BUCKET: 'acme-reports',
  MEMBER_EXTERNAL_ID: 'example-id',
  WEBHOOK_URL: 'https://alerts.example.com/hook',
  WEBHOOK_SECRET: 'example-secret',
  HEARTBEAT_URL: 'https://heartbeat.example.com/ping',
}
const optional = ['REGION', 'FUNCTION_NAME', 'FUNCTION_ROLE', 'TIME_ZONE']

/** render returns the resources of s.yaml as the component would get them. */
async function render(text, env) {
  for (const name of [...Object.keys(environment), ...optional]) delete process.env[name]
  Object.assign(process.env, env)
  const file = path.join(folder, 's.yaml')
  writeFileSync(file, text)
  const { log, info } = console
  console.log = console.info = () => {} // it tells of its access alias
  try {
    const { steps, yaml: spec } = await new ParseSpec(file, { argv: ['deploy'], logger: quiet }).start()
    return { steps, spec: spec.content }
  } finally {
    Object.assign(console, { log, info })
  }
}

const schema = loadSchema()
const validators = compile(schema)

function loadSchema() {
  const file = process.env.FC3_SCHEMA
  if (!file || !existsSync(file)) {
    console.error(`validate-s-yaml: FC3_SCHEMA is ${JSON.stringify(file ?? '')}: want the path of the JSON schema of the component fc3, a file such as fc3-schema.json`)
    process.exit(2)
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * compile makes three validators: the schema as it is; the same with unknown
 * keys refused, which it accepts; and the timer's definition by itself, which
 * the schema hides behind an alternative that takes any object.
 */
function compile(schema) {
  const closed = structuredClone(schema)
  const close = (node) => {
    if (node === null || typeof node !== 'object') return
    if (node.properties && Object.keys(node.properties).length > 0) node.additionalProperties ??= false
    Object.values(node).forEach(close)
  }
  close(closed.definitions)
  close(closed.properties)
  closed.additionalProperties = false
  closed.definitions.ITrigger.properties.triggerConfig = { type: 'object' }
  const timer = { $ref: '#/definitions/ITimerTriggerConfig', definitions: closed.definitions }
  const of = (s) => new Ajv({ allErrors: true, strict: false, verbose: true }).compile(s)
  return { asItIs: of(schema), closed: of(closed), timer: of(timer) }
}

/** said turns the errors of a validator into sentences that begin with the path. */
function said(validate, value, at) {
  if (validate(value)) return []
  return validate.errors.map((e) => {
    const where = at + e.instancePath.replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')
    if (e.keyword === 'additionalProperties') return unknown(where, e.params.additionalProperty, Object.keys(e.parentSchema.properties))
    const found = e.keyword === 'required' ? '' : ` is ${JSON.stringify(e.data)}:`
    const want = e.keyword === 'enum' ? `one of ${e.params.allowedValues.join(', ')}` : e.message
    return `${where}${found} ${want}`
  })
}

function unknown(where, key, known) {
  const near = known.find((k) => distance(k.toLowerCase(), key.toLowerCase()) <= 2)
  return `${where}.${key} is unknown: ${near ? `did you mean ${near}?` : `want one of ${known.join(', ')}`}`
}

/** distance counts the letters to insert, drop or change between two words. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]
}

const months = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ')
const weekdays = 'MON TUE WED THU FRI SAT SUN'.split(' ')
const cronFields = [
  { name: 'second', from: 0, to: 59, plain: true },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31, question: true },
  { name: 'month', from: 1, to: 12, words: months },
  { name: 'day of week', from: 1, to: 7, words: weekdays, question: true },
]

/** cronProblems checks an expression of Function Compute: CRON_TZ, then six fields. */
function cronProblems(expression) {
  const [, zone, rest] = /^CRON_TZ=(\S+) +(.*)$/.exec(expression) ?? []
  const example = 'such as CRON_TZ=Asia/Shanghai 0 17 20 * * *'
  if (!zone) return [`${JSON.stringify(expression)} has no CRON_TZ, so that it would be UTC: want a zone and six fields, ${example}`]
  const problems = []
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    problems.push(`its zone is ${JSON.stringify(zone)}: want an IANA name, ${example}`)
  }
  const fields = rest.trim().split(/ +/)
  if (fields.length !== 6) return [...problems, `${JSON.stringify(expression)} has ${fields.length} fields after the zone: want six, second to day of week, ${example}`]
  fields.forEach((text, i) => {
    if (!fieldIsGood(text, cronFields[i])) problems.push(`its ${cronFields[i].name} is ${JSON.stringify(text)}: want ${cronFields[i].from} to ${cronFields[i].to}, ${example}`)
  })
  return problems
}

function fieldIsGood(text, { from, to, plain, question, words = [] }) {
  const number = (s) => (/^\d+$/.test(s) ? Number(s) : words.includes(s.toUpperCase()) ? words.indexOf(s.toUpperCase()) + 1 : NaN)
  const within = (n) => n >= from && n <= to
  if (plain) return /^\d+$/.test(text) && within(Number(text))
  if (text === '?') return Boolean(question)
  return text.split(',').every((part) => {
    const [range, step, ...more] = part.split('/')
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false
    if (range === '*') return true
    const ends = range.split('-').map(number)
    return ends.length <= 2 && ends.every(within) && ends[0] <= ends.at(-1)
  })
}

/** variables are the names that the function reads, as its code lists them. */
function variables() {
  const code = readFileSync(path.join(root, 'handler', 'config.go'), 'utf8')
  const list = /func Variables\(\)[^{]*\{[^{]*\{([^}]*)\}/.exec(code)?.[1] ?? ''
  const names = [...list.matchAll(/"([A-Z0-9_]+)"/g)].map((m) => m[1])
  if (names.length === 0) throw new Error('handler/config.go: found no variable in Variables(): want its list of names')
  return names
}

/** problems says all that is wrong with the text of an s.yaml. */
async function problems(text, { env = environment, names } = {}) {
  let written, spec, steps
  try {
    written = yaml.load(text)
  } catch (e) {
    return [`s.yaml is no YAML: ${e.reason} in line ${e.mark?.line + 1}`]
  }
  if (/\$\{/.test(written.access ?? '')) return [`access is ${JSON.stringify(written.access)}: want an alias, since variables are not expanded there`]
  try {
    ;({ spec, steps } = await render(text, env))
  } catch (e) {
    return [`s.yaml can't be rendered: ${e.message.trim().split('\n').at(-1)}`]
  }
  const found = []
  const need = (good, problem) => good || found.push(problem)
  const keys = (value, at, known) => Object.keys(value ?? {}).forEach((key) => known.includes(key) || found.push(unknown(at, key, known)))

  keys(spec, 's.yaml', ['edition', 'name', 'access', 'vars', 'resources', 'template', 'extend', 'flow', 'env', 'actions'])
  need(spec.edition === '3.0.0', `edition is ${JSON.stringify(spec.edition)}: want 3.0.0`)
  need(steps.length === 1, `resources has ${steps.length} entries: want one, the function`)
  for (const { projectName, ...resource } of steps) {
    const at = `resources.${projectName}`
    const source = written.resources?.[projectName]
    keys(source, at, ['component', 'access', 'actions', 'extend', 'props'])
    need(resource.component === 'fc3', `${at}.component is ${JSON.stringify(resource.component)}: want fc3`)
    checkActions(resource.actions ?? {}, `${at}.actions`, need, keys)
    const props = resource.props ?? {}
    found.push(...said(validators.asItIs, props, 'props'), ...said(validators.closed, props, 'props'))
    checkStated(props, need)
    checkCode(props, need)
    checkSizes(props, need)
    checkVariables(props.environmentVariables ?? {}, source?.props?.environmentVariables ?? {}, names, need)
    checkTriggers(props, source?.props ?? {}, found, need)
  }
  return [...new Set(found)]
}

function checkActions(actions, at, need, keys) {
  for (const [hook, list] of Object.entries(actions)) {
    need(/^(pre|post|success|fail|complete)-[a-z]+$/.test(hook), `${at}.${hook} is unknown: want a hook such as pre-deploy`)
    list.forEach((action, i) => keys(action, `${at}.${hook}[${i}]`, ['run', 'path', 'component', 'plugin', 'args', 'allow_failure']))
  }
  need(actions['pre-deploy']?.some(({ run }) => run === 'make package'), `${at}.pre-deploy does not build what is deployed: want run: make package`)
}

// A deployment resets what is left out, and some defaults are traps: a time-out
// of 3 seconds, or an empty role.
function checkStated(props, need) {
  const stated = ['description', 'handler', 'code', 'memorySize', 'cpu', 'diskSize', 'timeout', 'internetAccess', 'role', 'environmentVariables', 'logConfig', 'asyncInvokeConfig', 'triggers']
  for (const name of stated) need(props[name] !== undefined, `props.${name} is left out, and a deployment resets it: want it stated`)
  for (const name of ['maxAsyncRetryAttempts', 'maxAsyncEventAgeInSeconds']) {
    need(props.asyncInvokeConfig?.[name] !== undefined, `props.asyncInvokeConfig.${name} is left out, and its default differs between documents: want it stated`)
  }
}

function checkCode({ functionName = '', runtime, handler, code, role = '', ...props }, need) {
  need(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(functionName), `props.functionName is ${JSON.stringify(functionName)}: want 1 to 64 letters, digits, - and _, not beginning with a digit or -`)
  need(runtime === 'go1', `props.runtime is ${JSON.stringify(runtime)}: want go1, the only one that the SDK works in`)
  need(handler === 'main', `props.handler is ${JSON.stringify(handler)}: want main, the executable that make package puts into the zip`)
  need(code === './dist/function.zip', `props.code is ${JSON.stringify(code)}: want ./dist/function.zip, which make package builds`)
  need(role !== 'auto', 'props.role is "auto", which becomes a role of that name: want the name of a role')
  need(role === role.toLowerCase(), `props.role is ${JSON.stringify(role)}: want lower case, since a deployment lower-cases it`)
  need(role === '' || /^(acs:ram::[^:]+:role\/)?[\w.-]{1,64}$/.test(role), `props.role is ${JSON.stringify(role)}: want a role's name or ARN, such as backup-statistics`)
  for (const name of ['instanceConcurrency', 'customRuntimeConfig', 'customContainerConfig']) {
    need(props[name] === undefined, `props.${name} is set: want it left out, since the service refuses it with go1`)
  }
}

function checkSizes({ cpu, memorySize, diskSize }, need) {
  need((cpu === undefined) === (diskSize === undefined), 'props.cpu and props.diskSize: want both or neither')
  if (typeof cpu !== 'number' || typeof memorySize !== 'number') return
  need(Number.isInteger(Math.round(cpu * 1e6) / 5e4), `props.cpu is ${cpu}: want a multiple of 0.05`)
  const ratio = memorySize / 1024 / cpu
  need(ratio >= 1 && ratio <= 4, `props.cpu is ${cpu} with ${memorySize} MB: want ${(memorySize / 4096).toFixed(3)} to ${(memorySize / 1024).toFixed(3)}, 1 to 4 GB a core`)
}

function checkVariables(values, source, names, need) {
  need(values.OSS_BUCKET, 'props.environmentVariables.OSS_BUCKET is not set: want the bucket that receives the objects')
  for (const [name, value] of Object.entries(values)) {
    const at = `props.environmentVariables.${name}`
    need(/^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !/^(FC_|ALIBABA_CLOUD_)/.test(name), `${at}: want letters, digits and _, and no name that Function Compute keeps for itself`)
    need(!names || names.includes(name), `${at} is read by nobody: want one of ${names?.join(', ')}`)
    need(!/^(WEBHOOK_(URL|SECRET)|HEARTBEAT_URL|MEMBER_EXTERNAL_ID)$/.test(name) || /^\$\{env\(.*\)\}$/.test(source[name]), `${at} is a secret written down: want \${env('${name}')}`)
    need(value !== '', `${at} is empty: want a value, or the line left out`)
  }
  need(Buffer.byteLength(JSON.stringify(values)) <= 4096, 'props.environmentVariables: want at most 4 KB in all')
}

function checkTriggers({ triggers = [], asyncInvokeConfig, environmentVariables }, source, found, need) {
  const dates = environmentVariables?.TIME_ZONE
  need(dates, 'props.environmentVariables.TIME_ZONE is not set: want ${vars.time_zone}, so that the timers go by the same clock')
  need(new Set(triggers.map((t) => t.triggerName)).size === triggers.length, 'props.triggers: want each triggerName once')
  need(triggers.some((t) => t.triggerType === 'timer' && t.triggerConfig?.enable === true), 'props.triggers: want a timer that is enabled')
  triggers.forEach(({ triggerType, triggerConfig = {} }, i) => {
    const at = `props.triggers[${i}].triggerConfig`
    need(triggerType === 'timer', `props.triggers[${i}].triggerType is ${JSON.stringify(triggerType)}: want timer`)
    found.push(...said(validators.timer, triggerConfig, at))
    if (typeof triggerConfig.cronExpression !== 'string') return
    const wrong = cronProblems(triggerConfig.cronExpression)
    found.push(...wrong.map((problem) => `${at}.cronExpression: ${problem}`))
    if (wrong.length > 0) return
    const [zone, second, minute, hour] = triggerConfig.cronExpression.split(/ +/)
    need(source.triggers?.[i]?.triggerConfig?.cronExpression?.includes('${vars.time_zone}'), `${at}.cronExpression states the zone once more: want CRON_TZ=\${vars.time_zone}`)
    need(zone === `CRON_TZ=${dates}`, `${at}.cronExpression: ${zone}, but snapshots are dated in ${dates}: want one zone`)
    if (/"check"/.test(triggerConfig.payload ?? '')) return // takes no snapshot
    const end = Number(hour) * 3600 + Number(minute) * 60 + Number(second) + asyncInvokeConfig?.maxAsyncEventAgeInSeconds
    need(!(end > 86400), `props.asyncInvokeConfig.maxAsyncEventAgeInSeconds is ${asyncInvokeConfig?.maxAsyncEventAgeInSeconds}: want at most ${86400 - end + asyncInvokeConfig?.maxAsyncEventAgeInSeconds}, so that no event of the day is tried again after midnight`)
  })
}

// The broken copies: what is broken, the text, what it becomes, and the reason
// that must be given.
const broken = [
  ['a misspelt setting', 'memorySize:', 'memorysize:', /props\.memorysize is unknown: did you mean memorySize\?/],
  ['a misspelt setting, deeper', 'maxAsyncRetryAttempts:', 'maxAsyncRetryAttempt:', /asyncInvokeConfig\.maxAsyncRetryAttempt is unknown: did you mean maxAsyncRetryAttempts\?/],
  ['a misspelt setting of the timer', 'enable: true', 'enabled: true', /triggerConfig\.enabled is unknown: did you mean enable\?/],
  ['a timer that does not say whether it is on', 'enable: true', '', /triggerConfig must have required property 'enable'/],
  ['a misspelt key of the trigger', 'qualifier: LATEST', 'qualifer: LATEST', /props\.triggers\[0\]\.qualifer is unknown: did you mean qualifier\?/],
  ['a misspelt key of the resource', 'actions:', 'action:', /resources\.snapshot\.action is unknown: did you mean actions\?/],
  ['a misspelt key of the file', 'access: default', 'acces: default', /s\.yaml\.acces is unknown: did you mean access\?/],
  ['a key stated twice', 'timeout: 60', 'timeout: 60\n      timeout: 61', /is no YAML: duplicated mapping key in line \d+/],
  ['a payload that is no text', 'enable: true', 'enable: true\n            payload: { action: check }', /triggerConfig\.payload is .*: must be string/],
  ['a cron expression that is a word', 'CRON_TZ=${vars.time_zone} 0 17 20 * * *', 'hello', /cronExpression: "hello" has no CRON_TZ/],
  ['a cron expression in UTC', 'CRON_TZ=${vars.time_zone} 0', '0', /cronExpression: "0 17 20 \* \* \*" has no CRON_TZ/],
  ['a cron expression of five fields', 'time_zone} 0 17', 'time_zone} 17', /has 5 fields after the zone: want six/],
  ['an hour that no day has', '17 20 *', '17 24 *', /its hour is "24": want 0 to 23/],
  ['every second', 'time_zone} 0 17', 'time_zone} * 17', /its second is "\*"/],
  ['a zone that does not exist', "'TIME_ZONE', 'Asia/Shanghai'", "'TIME_ZONE', 'Asia/Shangai'", /its zone is "Asia\/Shangai"/],
  ['a zone that is not that of the dates', 'CRON_TZ=${vars.time_zone}', 'CRON_TZ=Asia/Tokyo', /snapshots are dated in Asia\/Shanghai/],
  ['a zone stated twice', 'CRON_TZ=${vars.time_zone}', 'CRON_TZ=Asia/Shanghai', /cronExpression states the zone once more/],
  ['dates in a zone of their own', 'TIME_ZONE: ${vars.time_zone}', "TIME_ZONE: 'Asia/Tokyo'", /snapshots are dated in Asia\/Tokyo/],
  ['dates in the zone by default', 'TIME_ZONE: ${vars.time_zone}', '', /TIME_ZONE is not set/],
  ['retries that go on after midnight', 'maxAsyncEventAgeInSeconds: 12600', 'maxAsyncEventAgeInSeconds: 18000', /want at most 13380, so that no event/],
  ['more retries than there are', 'maxAsyncRetryAttempts: 3', 'maxAsyncRetryAttempts: 9', /maxAsyncRetryAttempts is 9: must be <= 8/],
  ['too much cpu for the memory', 'cpu: 0.1', 'cpu: 0.35', /props\.cpu is 0\.35 with 128 MB: want 0\.031 to 0\.125/],
  ['a cpu between the steps', 'cpu: 0.1', 'cpu: 0.12', /props\.cpu is 0\.12: want a multiple of 0\.05/],
  ['cpu without disk', 'diskSize: 512', '', /want both or neither/],
  ['a size of memory between the steps', 'memorySize: 128', 'memorySize: 150', /props\.memorySize is 150: must be multiple of 64/],
  ['no time-out', 'timeout: 60', '', /props\.timeout is left out/],
  ['a variable that is a number', '#LOG_LEVEL:', 'FREE_QUOTA_BYTES: 107374182400 #', /FREE_QUOTA_BYTES is 107374182400: must be string/],
  ['a variable that nobody reads', '#LOG_LEVEL:', 'LOGLEVEL:', /LOGLEVEL is read by nobody/],
  ['a variable of Function Compute', '#LOG_LEVEL:', 'FC_REGION:', /FC_REGION: want letters.*keeps for itself/],
  ['a secret written down', "#WEBHOOK_SECRET: ${env('WEBHOOK_SECRET')}", "WEBHOOK_SECRET: 'example'", /WEBHOOK_SECRET is a secret written down/],
  ['no bucket', "OSS_BUCKET: ${env('OSS_BUCKET')}", "OSS_PREFIX: 'x/'", /OSS_BUCKET is not set/],
  ['a variable of the deployer that is not set', "env('OSS_BUCKET')", "env('OSS_BUCKET_OF_NOBODY')", /can't be rendered: .*env\('OSS_BUCKET_OF_NOBODY'\) not found/],
  ['a role with capitals', "'FUNCTION_ROLE', 'backup-statistics'", "'FUNCTION_ROLE', 'BackupStatistics'", /props\.role is "BackupStatistics": want lower case/],
  ['a role left to the component', "role: ${env('FUNCTION_ROLE', 'backup-statistics')}", 'role: auto', /props\.role is "auto"/],
  ['no role', "role: ${env('FUNCTION_ROLE', 'backup-statistics')}", '', /props\.role is left out/],
  ['another handler', 'handler: main', 'handler: bootstrap', /props\.handler is "bootstrap": want main/],
  ['a folder for a zip', 'code: ./dist/function.zip', 'code: ./dist', /props\.code is "\.\/dist": want \.\/dist\/function\.zip/],
  ['a deployment of what was built before', 'run: make package', 'run: make test', /pre-deploy does not build what is deployed/],
  ['concurrency in one instance', 'timeout: 60', 'timeout: 60\n      instanceConcurrency: 10', /props\.instanceConcurrency is set/],
  ['another runtime', 'runtime: go1', 'runtime: custom.debian12', /props\.runtime is "custom\.debian12": want go1/],
  ['a runtime that does not exist', 'runtime: go1', 'runtime: go1.26', /props\.runtime is "go1\.26": one of/],
  ['a region that does not exist', "'REGION', 'cn-hangzhou'", "'REGION', 'cn-hangzou'", /props\.region is "cn-hangzou": one of/],
  ['another component', 'component: fc3', 'component: fc', /component is "fc": want fc3/],
  ['another edition', 'edition: 3.0.0', 'edition: 1.0.0', /edition is "1\.0\.0": want 3\.0\.0/],
  ['a variable as access', 'access: default', "access: ${env('ACCESS')}", /access is .*: want an alias/],
]

/** proveRefusals says which broken copies were let through, or refused for another reason. */
async function proveRefusals(text, names) {
  const failures = []
  for (const [name, from, to, want] of broken) {
    if (!text.includes(from)) {
      failures.push(`${name}: s.yaml has no ${JSON.stringify(from)} to break`)
      continue
    }
    const got = await problems(text.replace(from, () => to), { names })
    if (!got.some((problem) => want.test(problem))) failures.push(`${name}: found ${JSON.stringify(got)}, want ${want}`)
  }
  return failures
}

/** switchOn takes the # from every setting that is off. */
function switchOn(text) {
  return text.replace(/^ *logConfig: auto\n/m, '').replace(/^( *)#(?=[A-Za-z])/gm, '$1')
}

/**
 * proveSecrets says what of the README's advice about .env does not hold: how $ and #
 * get through, and that they would not as they are.
 */
async function proveSecrets(text) {
  const file = path.join(folder, '.env')
  const failures = []
  for (const [written, want] of [['pa\\$word', 'pa$word'], ["'pa#word'", 'pa#word'], ['pa$word', 'pa'], ["'pa$word'", 'pa'], ['pa#word', 'pa']]) {
    writeFileSync(file, `WEBHOOK_SECRET=${written}\n`)
    const { WEBHOOK_SECRET, ...others } = environment
    const { steps } = await render(switchOn(text), others)
    const got = steps[0].props.environmentVariables.WEBHOOK_SECRET
    if (got !== want) failures.push(`WEBHOOK_SECRET=${written} in .env becomes ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
  }
  rmSync(file)
  return failures
}

async function main() {
  const text = readFileSync(path.join(root, 's.yaml'), 'utf8')
  const names = variables()
  const named = [...text.matchAll(/^ *#?([A-Z][A-Z0-9_]*):/gm)].map((m) => m[1])
  const elsewhere = { ...environment, REGION: 'ap-southeast-1', TIME_ZONE: 'Asia/Tokyo', FUNCTION_NAME: 'snapshots', FUNCTION_ROLE: 'acs:ram::1234567890123456:role/snapshots' }
  const checks = [
    ['s.yaml', await problems(text, { names })],
    ['s.yaml with another region, zone, name and role', await problems(text, { names, env: elsewhere })],
    ['s.yaml with every optional setting on', await problems(switchOn(text))],
    ['the variables that s.yaml names', names.filter((name) => !named.includes(name)).map((name) => `${name} is missing: want it set, or off with its meaning`)],
    ['secrets in .env', await proveSecrets(text)],
    [`${broken.length} broken copies`, await proveRefusals(text, names)],
  ]
  for (const [name, wrong] of checks) {
    console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'}  ${name}`)
    for (const problem of wrong) console.log(`      ${problem}`)
  }
  process.exitCode = checks.every(([, wrong]) => wrong.length === 0) ? 0 : 1
}

await main()
