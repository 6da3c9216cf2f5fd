// SPDX-License-Identifier: Apache-2.0
// Starts and stops throwaway nodes and tools for the tests. Each process that is started here is
// ended here, by its own process object; nothing is ever looked up by name.
'use strict'

const childProcess = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { infoRequest } = require('./raw')

const ROOT = path.resolve(__dirname, '..', '..', '..')
const BIN = process.env.BALLAST_BIN || path.join(ROOT, 'build', 'bin')
const START_MS_MAX = 15000
const STOP_MS_MAX = 15000
const OUTPUT_SIZE_MAX = 1 << 20

const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(128 + os.constants.signals[signal]))
}

// Finds `count` different free ports by binding them all at once.
async function freePorts (count) {
  const servers = []
  for (let i = 0; i < count; i++) {
    const server = net.createServer()
    await new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    servers.push(server)
  }
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function delay (ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

// Polls `probe` until it answers something true; throws with `what` when `msMax` is over.
async function until (what, probe, msMax = 5000) {
  const end = Date.now() + msMax
  for (;;) {
    const value = await probe()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited ${msMax} ms in vain: ${what}`)
    await delay(20)
  }
}

// The text of a configuration file: ports, one or more namespaces, extra lines for a namespace.
function configText (ports, { namespaces = { test: [] }, service = [], extra = '' } = {}) {
  const [servicePort, fabricPort, heartbeatPort, infoPort] = ports
  const lines = (items) => items.map((line) => `    ${line}\n`).join('')
  let text = `service {\n${lines(service)}}\n\n` +
    'logging {\n    console {\n        context any info\n    }\n}\n\n' +
    'network {\n' +
    `    service {\n        address 127.0.0.1\n        port ${servicePort}\n    }\n` +
    `    heartbeat {\n        mode mesh\n        address 127.0.0.1\n        port ${heartbeatPort}\n    }\n` +
    `    fabric {\n        address 127.0.0.1\n        port ${fabricPort}\n    }\n` +
    `    info {\n        address 127.0.0.1\n        port ${infoPort}\n    }\n}\n`
  for (const [name, directives] of Object.entries(namespaces)) {
    text += `\nnamespace ${name} {\n${lines(['replication-factor 1', ...directives])}` +
      '    storage-engine memory {\n        data-size 1G\n    }\n}\n'
  }
  return text + extra
}

class NodeProcess {
  constructor (child, port, folder, host) {
    this.child = child
    this.port = port
    this.host = host
    this.folder = folder
    this.output = ''
    this.exit = null
    const keep = (chunk) => {
      this.output = (this.output + chunk).slice(-OUTPUT_SIZE_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.output += `${error}\n`
        this.exit = { code: null, signal: null, error }
        resolve(this.exit)
      })
      child.once('exit', (code, signal) => {
        running.delete(child)
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  info (names, options) {
    return infoRequest(this.port, names, { host: this.host, ...options })
  }

  async untilServing () {
    await until(`ballastd answers on port ${this.port}`, async () => {
      if (this.exit) {
        throw new Error(`ballastd ended before it served (${JSON.stringify(this.exit)}):\n${this.output}`)
      }
      return this.info('status').then((answer) => answer.status === 'ok', () => false)
    }, START_MS_MAX)
  }

  // Asks the node to stop; kills it when it does not within STOP_MS_MAX. Returns { code, signal }.
  async stop () {
    if (!this.exit) this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX)
    await this.ended
    clearTimeout(timer)
    if (this.folder) fs.rmSync(this.folder, { recursive: true, force: true })
    return this.exit
  }
}

// The environment configures a node too, so a child gets nothing of ours but what it must have.
function cleanEnvironment (extra) {
  const env = {}
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS']) {
    if (name in process.env) env[name] = process.env[name]
  }
  return { ...env, ...extra }
}

function isTaken (port, host) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host })
    const end = (taken) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

// Starts ballastd and waits until it serves. With `config` (see configText, or a whole text) it gets
// a configuration file and free ports; with `plain` nothing but `args` and `env`, and serves on `port`
// of `host`.
async function startNode ({ plain = false, config, args = [], env, cwd, port = 3000, host = '127.0.0.1' } = {}) {
  let folder = null
  const full = [...args]
  if (!plain) {
    const ports = await freePorts(4)
    port = ports[0]
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ballast-e2e-'))
    const file = path.join(folder, 'node.conf')
    fs.writeFileSync(file, configText(ports, config))
    full.unshift('--config-file', file)
  }
  // A node that somebody else runs there would answer in place of ours.
  if (await isTaken(port, host)) throw new Error(`port ${port} is taken by another program`)
  const child = childProcess.spawn(path.join(BIN, 'ballastd'), full,
    { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment(env), cwd: cwd || folder || undefined })
  running.add(child)
  const node = new NodeProcess(child, port, folder, host)
  try {
    await node.untilServing()
  } catch (error) {
    await node.stop()
    throw error
  }
  return node
}

// Runs a program to its end; returns { code, signal, stdout, stderr }.
function runProgram (file, args, { input = '', msMax = 20000, env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = childProcess.spawn(file, args, { env: cleanEnvironment(env), cwd })
    running.add(child)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) {
      child[name].on('data', (chunk) => { output[name] += chunk })
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), msMax)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code, signal, ...output })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

// Runs `ballast <args>` to its end.
function runBallast (args, options) {
  return runProgram(path.join(BIN, 'ballast'), args, options)
}

module.exports = { BIN, ROOT, configText, delay, freePorts, runBallast, runProgram, startNode, until }
