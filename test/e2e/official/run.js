// SPDX-License-Identifier: Apache-2.0
// Runs the official client's own test suite, as its npm package ships it, against a throwaway
// ballastd with its default configuration on port 3000, and compares with the list of cases that
// pass. Options: --update writes the lists anew, --files a,b runs only these test files, --nodes N runs
// them against a cluster of N nodes on 127.0.0.1, 127.0.0.2 and so on.
'use strict'

const childProcess = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, startNode, until } = require('../lib/node_process')
const { parsePairs } = require('../lib/raw')
const { reasonFor } = require('./reasons')

const E2E = path.resolve(__dirname, '..')
const CLIENT = path.join(E2E, 'node_modules', 'aerospike')
const WORK = path.join(ROOT, 'build', 'e2e-official')
const PASSING_LIST = path.join(E2E, 'official-passing.txt')
const NOT_YET_PAGE = path.join(E2E, 'official-not-yet.md')
const VERSION = JSON.parse(fs.readFileSync(path.join(CLIENT, 'package.json'))).version

// A file whose set-up needs what a node cannot do yet hides all its cases, also those that would pass. Of
// such a file a copy runs as well, changed in one place so that the set-up leaves that out. Its cases
// stand in the list under the copy's name and are not in the totals.
const DERIVED = {
  'query-without-indexes': { of: 'query', from: 'const indexes = [', to: 'const indexes = [], indexesLeftOut = [' }
}

const FILE_MS_MAX = 240000
const RUN_MS_MAX = 30 * 60000
const CASE_MS_MAX = 5000
const RERUN_CASES_MAX = 40
const RERUN_ODD_MAX = 5

function stampText () {
  return JSON.stringify({ VERSION, DERIVED, E2E })
}

// The suite in a folder of its own, so that nothing in node_modules changes: its tests copied and
// compiled, the library and the packages linked.
function prepare () {
  const stamp = path.join(WORK, 'prepared')
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === stampText()) return
  fs.rmSync(WORK, { recursive: true, force: true })
  fs.mkdirSync(WORK, { recursive: true })
  fs.cpSync(path.join(CLIENT, 'test'), path.join(WORK, 'test'), { recursive: true })
  fs.copyFileSync(path.join(CLIENT, 'package.json'), path.join(WORK, 'package.json'))
  fs.symlinkSync(path.join(CLIENT, 'lib'), path.join(WORK, 'lib'))
  fs.symlinkSync(path.join(E2E, 'node_modules'), path.join(WORK, 'node_modules'))
  console.log(`compiling the test suite of aerospike ${VERSION}`)
  const compiled = childProcess.spawnSync(process.execPath,
    [path.join(E2E, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'test', '--noCheck'],
    { cwd: WORK, encoding: 'utf8' })
  if (!fs.existsSync(path.join(WORK, 'test', 'put.js'))) {
    throw new Error(`the suite does not compile:\n${compiled.stdout}${compiled.stderr}`)
  }
  for (const [name, { of, from, to }] of Object.entries(DERIVED)) {
    const text = fs.readFileSync(path.join(WORK, 'test', `${of}.js`), 'utf8')
    if (!text.includes(from)) throw new Error(`${of}.js holds no «${from}» any more`)
    fs.writeFileSync(path.join(WORK, 'test', `${name}.js`), text.replace(from, to))
  }
  fs.writeFileSync(stamp, stampText())
}

function testFiles () {
  return fs.readdirSync(path.join(WORK, 'test'))
    .filter((name) => /\.js$/.test(name) && name !== 'test_helper.js')
    .map((name) => name.replace(/\.js$/, ''))
    .sort()
}

function escapeRegExp (text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

// Runs one test file under mocha, of it only the cases titled as in `titles` when given. Returns
// { cases: Map name -> { state, error, title }, note } where the state is passed, failed or pending.
function runFile (file, titles, msMax) {
  const results = path.join(WORK, 'results.jsonl')
  fs.rmSync(results, { force: true })
  const args = [path.join(E2E, 'node_modules', 'mocha', 'bin', 'mocha.js'), '--no-config', '--exit',
    '--timeout', String(CASE_MS_MAX), '--reporter', path.join(__dirname, 'reporter.js'),
    '--file', 'test/test_helper.js', '--file', path.join(__dirname, 'ready.js')]
  const env = { ...process.env, npm_package_version: VERSION, RESULTS_FILE: results, RESULTS_GREP: '' }
  for (const name of ['OPTIONS', 'AEROSPIKE_HOSTS', 'GLOBAL_CLIENT', 'AEROSPIKE_VERSION_OVERRIDE']) {
    delete env[name]
  }
  if (titles) {
    env.RESULTS_GREP = `^(${titles.map(escapeRegExp).join('|')})$`
    args.push('--grep', `/${env.RESULTS_GREP}/`)
  }
  args.push(`test/${file}.js`)
  return new Promise((resolve) => {
    fs.mkdirSync(path.join(WORK, 'log'), { recursive: true })
    const log = fs.openSync(path.join(WORK, 'log', `${file}${titles ? '-again' : ''}.txt`), 'w')
    const child = childProcess.spawn(process.execPath, args,
      { cwd: WORK, env, stdio: ['ignore', log, log] })
    const atExit = () => child.kill('SIGKILL')
    process.on('exit', atExit)
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, msMax)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', atExit)
      fs.closeSync(log)
      resolve(readResults(results, late, signal))
    })
  })
}

function readResults (file, late, signal) {
  const cases = new Map()
  let ended = false
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
  for (const line of text.split('\n').filter(Boolean)) {
    const { kind, name, title, titles, error } = JSON.parse(line)
    const state = (one, to) => cases.set(one, { ...cases.get(one), ...to })
    if (kind === 'case') state(name, { state: null, title })
    else if (kind === 'passed' || kind === 'pending') state(name, { state: kind })
    else if (kind === 'failed') state(name, { state: 'failed', error })
    else if (kind === 'end') ended = true
    else if (kind === 'hook') {
      const cut = titles.filter((one) => cases.has(one) && cases.get(one).state === null)
      cut.forEach((one) => state(one, { state: 'failed', error: `${name}: ${error}` }))
    }
  }
  let note = ''
  if (cases.size === 0) note = 'has no cases; see its log'
  if (late) note = 'took too long and was ended'
  else if (signal) note = `ended by ${signal}`
  else if (!ended && cases.size > 0) note = 'ended early'
  for (const one of cases.values()) {
    if (one.state === null) Object.assign(one, { state: 'failed', error: note ? `the run ${note}` : 'did not run' })
  }
  return { cases, note }
}

// The cases of the suite itself.
function own (all) {
  return new Map([...all].filter(([key]) => !(key.split(' › ')[0] in DERIVED)))
}

function count (cases, state) {
  return [...cases.values()].filter((one) => one.state === state).length
}

function readPassing () {
  if (!fs.existsSync(PASSING_LIST)) return new Set()
  return new Set(fs.readFileSync(PASSING_LIST, 'utf8').split('\n').filter((line) => line && !line.startsWith('#')))
}

// Byte order, so that the lists are the same in every locale.
function sorted (items) {
  return [...items].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function writeLists (all, expected, filesRun) {
  const passing = new Set([...expected].filter((key) => !filesRun.has(key.split(' › ')[0])))
  all.forEach((one, key) => one.state === 'passed' && passing.add(key))
  fs.writeFileSync(PASSING_LIST, sorted(passing).join('\n') + '\n')
  if (filesRun.size === testFiles().length) fs.writeFileSync(NOT_YET_PAGE, notYetPage(own(all)))
}

function notYetPage (all) {
  const sections = { failed: new Map(), pending: new Map() }
  all.forEach((one, key) => {
    if (!sections[one.state]) return
    const file = key.split(' › ')[0]
    const reason = reasonFor(file, key.slice(file.length + 3), one)
    const section = sections[one.state]
    section.set(reason, [...(section.get(reason) || []), key])
  })
  const list = (section) => sorted(section.keys()).map((reason) =>
    `### ${reason} (${section.get(reason).length})\n\n` +
    sorted(section.get(reason)).map((key) => `- ${key.replace(/([<>*_`])/g, '\\$1')}\n`).join('') + '\n').join('')
  return '<!-- SPDX-License-Identifier: Apache-2.0 -->\n' +
    '# Cases of the official client\'s suite that do not pass yet\n\n' +
    'Written by `scripts/e2e-official --update`; the cases that pass are in `official-passing.txt`.\n\n' +
    `## Failed\n\n${list(sections.failed) || 'None.\n\n'}` +
    '## Left out by the suite itself\n\n' +
    `The suite skips these after looking at the node or at its own options.\n\n${list(sections.pending)}`
      .trimEnd() + '\n'
}

// Which of a file's failed cases deserve a second run: those that passed before, and a few odd ones out of
// a file that passes else.
function worthAgain (file, cases, expected) {
  const failed = [...cases].filter(([, one]) => one.state === 'failed')
  const odd = failed.length <= RERUN_ODD_MAX && count(cases, 'passed') > 10 * failed.length
  return failed.filter(([name]) => odd || expected.has(`${file} › ${name}`))
    .map(([, one]) => one.title).slice(0, RERUN_CASES_MAX)
}

// How node `number` of a cluster of `count` is started: the usual ports, an address of its own.
function member (number, count) {
  const address = (i) => `127.0.0.${i}`
  const own = `        address ${address(number)}\n`
  const seeds = Array.from({ length: count }, (_, i) =>
    `        mesh-seed-address-port ${address(i + 1)} 3002\n`).join('')
  const file = path.join(WORK, `node-${number}.conf`)
  fs.writeFileSync(file, 'network {\n' +
    `    service {\n${own}        port 3000\n    }\n    fabric {\n${own}        port 3001\n    }\n` +
    `    heartbeat {\n        mode mesh\n${own}        port 3002\n${seeds}    }\n}\n` +
    'namespace test {\n    replication-factor 2\n    storage-engine memory {\n        data-size 1G\n    }\n}\n')
  return { plain: true, args: ['--config-file', file], host: address(number) }
}

class Run {
  constructor (options) {
    this.options = options
    this.expected = readPassing()
    this.all = new Map()
    this.ups = []
    this.again = []
    this.endMs = Date.now() + RUN_MS_MAX
    this.nodes = []
  }

  async nodesUp () {
    if (this.nodes.length > 0 && this.nodes.every((node) => !node.exit)) return
    for (const node of this.nodes.filter((one) => one.exit)) {
      const how = JSON.stringify(node.exit)
      this.ups.push(`ballastd ended by itself: ${how}`)
      console.log(`\n*** ballastd ended by itself: ${how}; its last lines:\n${node.output.slice(-2000)}`)
    }
    await this.nodesDown()
    const count = this.options.nodes
    for (let i = 1; i <= count; i++) {
      this.nodes.push(await startNode(count === 1 ? { plain: true } : member(i, count)))
    }
    if (count === 1) return
    await until(`${count} nodes are one cluster`, async () => {
      const all = await Promise.all(this.nodes.map((node) => node.info('statistics')))
      return all.every((one) => {
        const { cluster_size: size, migrate_partitions_remaining: left } = parsePairs(one.statistics)
        return Number(size) === count && Number(left) === 0
      })
    }, 20000)
  }

  async nodesDown () {
    const exits = await Promise.all(this.nodes.filter((node) => !node.exit).map((node) => node.stop()))
    for (const exit of exits) {
      if (exit.code !== 0) this.ups.push(`ballastd did not stop cleanly: ${JSON.stringify(exit)}`)
    }
    this.nodes.forEach((node, at) =>
      fs.writeFileSync(path.join(WORK, 'log', `ballastd-${at + 1}.txt`), node.output))
    this.nodes = []
  }

  async file (file) {
    await this.nodesUp()
    const left = () => Math.max(1000, Math.min(FILE_MS_MAX, this.endMs - Date.now()))
    const start = Date.now()
    const { cases, note } = await runFile(file, null, left())
    if (cases.size === 0) this.ups.push(`${file} could not be run`)
    const titles = worthAgain(file, cases, this.expected)
    if (titles.length > 0) {
      await this.nodesUp()
      const second = await runFile(file, titles, left())
      second.cases.forEach((one, name) => {
        if (one.state !== 'passed' || !cases.has(name) || cases.get(name).state !== 'failed') return
        this.again.push(`${file} › ${name} (first: ${cases.get(name).error})`)
        cases.set(name, one)
      })
    }
    cases.forEach((one, name) => this.all.set(`${file} › ${name}`, one))
    console.log([file.padEnd(28), ...['passed', 'failed', 'pending'].map((state) =>
      String(count(cases, state)).padStart(7)), `${((Date.now() - start) / 1000).toFixed(1)} s`.padStart(9),
    note && `  ${note}`].join(' '))
    if (this.options.verbose) {
      cases.forEach((one, name) => one.state === 'failed' && console.log(`    ✗ ${name}\n        ${one.error}`))
    }
  }

  report (filesRun) {
    const broken = sorted(this.expected).filter((key) => filesRun.has(key.split(' › ')[0]) &&
      (this.all.get(key) || {}).state !== 'passed')
    const fresh = [...this.all].filter(([key, one]) => one.state === 'passed' && !this.expected.has(key))
    if (this.again.length > 0) console.log(`\npassed only when run again:\n  ${this.again.join('\n  ')}`)
    if (fresh.length > 0) console.log(`\n${fresh.length} cases pass that are not in the list (--update adds them)`)
    for (const key of broken) {
      const one = this.all.get(key)
      console.log(`\nBROKEN ${key}\n  ${one ? one.error || one.state : 'there is no such case any more'}`)
    }
    const suite = own(this.all)
    const numbers = ['passed', 'failed', 'pending'].map((state) => String(count(suite, state)).padStart(7))
    console.log(['\nwhole suite'.padEnd(29), ...numbers].join(' '))
    console.log(`What fails and is not in the list of passing cases is named in ${path.relative(ROOT, NOT_YET_PAGE)}.`)
    this.ups.forEach((line) => console.log(line))
    const listed = [...this.expected].filter((key) => filesRun.has(key.split(' › ')[0])).length
    console.log(`\nof the cases that passed before: ${listed - broken.length} passed, ${broken.length} failed`)
    return broken.length === 0 && this.ups.length === 0
  }
}

async function main () {
  const args = process.argv.slice(2)
  const known = ['--update', '--verbose', '--files', '--nodes']
  const value = (name) => args.includes(name) ? args[args.indexOf(name) + 1] || '' : null
  const options = {
    update: args.includes('--update'),
    verbose: args.includes('--verbose'),
    nodes: Number(value('--nodes') ?? 1)
  }
  if (!(options.nodes >= 1 && options.nodes <= 9)) throw new Error('--nodes wants a number from 1 to 9')
  const only = value('--files') === null ? null : value('--files').split(',')
  const unknown = args.find((arg, i) => !known.includes(arg) && !['--files', '--nodes'].includes(args[i - 1]))
  if (unknown) throw new Error(`unknown option ${unknown}; there are: ${known.join(' ')}`)
  prepare()
  const files = testFiles()
  const missing = (only || []).find((name) => !files.includes(name))
  if (missing) throw new Error(`the suite has no file ${missing}`)
  const filesRun = new Set(only || files)

  const run = new Run(options)
  console.log([''.padEnd(28), 'passed'.padStart(7), 'failed'.padStart(7), 'pending'.padStart(7)].join(' '))
  try {
    for (const file of filesRun) await run.file(file)
  } finally {
    await run.nodesDown()
  }
  const good = run.report(filesRun)
  if (options.update) writeLists(run.all, run.expected, filesRun)
  process.exitCode = good || (options.update && run.ups.length === 0) ? 0 : 1
}

main().catch((error) => {
  console.error(`e2e-official: ${error.message}`)
  process.exitCode = 1
})
