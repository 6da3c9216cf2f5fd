// SPDX-License-Identifier: Apache-2.0
// A cluster of real nodes on the hosts of a LAN: starts, kills, stops and pauses them, and asks them
// what they know. Waits are on what nodes answer, never on time.
'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { BIN, delay, until } = require('../../e2e/lib/node_process')
const { RawConnection, frame, parseInfo, parsePairs } = require('../../e2e/lib/raw')
const { Lan } = require('./hosts')

const PARTITIONS = 4096
const OUTPUT_SIZE_MAX = 1 << 20

async function ask (host, names, msMax = 1000) {
  const connection = await Promise.race([
    RawConnection.open(3000, host),
    delay(msMax).then(() => { throw new Error('no connection in time') })
  ])
  try {
    connection.send(frame(1, Buffer.from([].concat(names).map((name) => `${name}\n`).join(''))))
    const message = await connection.message(msMax)
    if (!message) throw new Error('closed')
    return parseInfo(message.body.toString())
  } finally {
    connection.close()
  }
}

class Node {
  constructor (cluster, host) {
    this.cluster = cluster
    this.host = host
    this.child = null
    this.output = ''
    this.paused = false
    this.folder = path.join(cluster.folder, `node${host.number}`)
    fs.mkdirSync(this.folder)
  }

  get name () { return `node${this.host.number}` }
  get running () { return this.child !== null }

  start () {
    const file = path.join(this.folder, 'node.conf')
    fs.writeFileSync(file, this.cluster.configText(this))
    this.child = this.host.spawn(path.join(BIN, 'ballastd'), ['--config-file', file],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } })
    this.exit = null
    const child = this.child
    const keep = (chunk) => {
      this.output = (this.output + chunk).slice(-OUTPUT_SIZE_MAX)
      if (process.env.LIVE_LOG) fs.appendFileSync(process.env.LIVE_LOG, `${this.name}: ${chunk}`)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => {
      this.exit = { code, signal }
      if (this.child === child) this.child = null
      resolve(this.exit)
    }))
  }

  async kill () {
    const ended = this.ended
    this.child.kill('SIGKILL')
    await ended
  }

  pause () {
    this.paused = true
    this.child.kill('SIGSTOP')
  }

  resume () {
    this.paused = false
    this.child.kill('SIGCONT')
  }

  // Asks it to leave; returns { code, signal, ms }.
  async stop () {
    const begin = performance.now()
    const ended = this.ended
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child && this.child.kill('SIGKILL'), 30000)
    const exit = await ended
    clearTimeout(timer)
    return { ...exit, ms: performance.now() - begin }
  }

  info (names, msMax) { return ask(this.host.address, names, msMax) }

  async statistics (msMax) {
    return parsePairs((await this.info('statistics', msMax)).statistics)
  }

  async namespace (name = 'test') {
    return parsePairs((await this.info(`namespace/${name}`))[`namespace/${name}`])
  }
}

class Cluster {
  // `hosts`: how many there are; `nodes`: how many are started.
  static async make ({ hosts = 3, nodes = hosts, replicationFactor = 2, namespace = [] } = {}) {
    const cluster = new Cluster()
    cluster.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ballast-live-'))
    cluster.replicationFactor = replicationFactor
    cluster.namespace = namespace
    cluster.lan = await Lan.make(hosts)
    cluster.nodes = cluster.lan.hosts.map((host) => new Node(cluster, host))
    for (const node of cluster.nodes.slice(0, nodes)) node.start()
    if (nodes > 0) await cluster.untilFormed()
    return cluster
  }

  configText (node) {
    const seeds = this.nodes.map((n) => `        mesh-seed-address-port ${n.host.address} 3002\n`).join('')
    return 'service {\n    cluster-name live\n    service-threads 2\n' +
      `    work-directory ${node.folder}\n}\n` +
      'logging {\n    console {\n        context any info\n    }\n}\n' +
      `network {\n    service {\n        address ${node.host.address}\n        port 3000\n    }\n` +
      `    heartbeat {\n        mode mesh\n        address ${node.host.address}\n        port 3002\n` +
      `${seeds}        interval 150\n        timeout 10\n    }\n` +
      `    fabric {\n        address ${node.host.address}\n        port 3001\n    }\n}\n` +
      `namespace test {\n    replication-factor ${this.replicationFactor}\n` +
      this.namespace.map((line) => `    ${line}\n`).join('') +
      '    storage-engine memory {\n        data-size 2G\n    }\n}\n'
  }

  get alive () { return this.nodes.filter((node) => node.running && !node.paused) }

  // All given nodes are in one view with nobody else, and serve.
  async untilFormed (nodes = this.alive, msMax = 20000) {
    let seen
    await until('the nodes are one cluster', async () => {
      for (const node of nodes) {
        if (!node.running) throw new Error(`${node.name} ended:\n${node.output.slice(-4000)}`)
      }
      seen = await Promise.all(nodes.map((node) => node.statistics().catch((error) => ({ error: error.message }))))
      return seen.every((s) => Number(s.cluster_size) === nodes.length && s.cluster_integrity === 'true') &&
        new Set(seen.map((s) => s.cluster_key)).size === 1
    }, msMax).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen.map((s) => s.error || `${s.cluster_size}@${s.cluster_key}`))}`)
    })
  }

  // No record is still to be moved.
  async untilSettled (nodes = this.alive, msMax = 60000) {
    let seen
    await until('migrations are done', async () => {
      seen = await Promise.all(nodes.map((node) =>
        node.info(`cluster-stable:size=${nodes.length};ignore-migrations=false`)
          .then((a) => Object.values(a)[0], (error) => `ERROR:${error.message}`)))
      return seen.every((key) => !/^error/i.test(key)) && new Set(seen).size === 1
    }, msMax).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(seen)}`) })
  }

  // Which partitions these nodes say they master: how many, and how many twice.
  async mastered (nodes = this.alive) {
    const owners = new Uint8Array(PARTITIONS)
    const answers = await Promise.all(nodes.map((node) => node.info('replicas', 300).catch(() => null)))
    for (const answer of answers) {
      if (!answer) continue
      const bits = Buffer.from(answer.replicas.split(';')[0].split(':')[1].split(',')[2], 'base64')
      for (let p = 0; p < PARTITIONS; p++) {
        if (bits[p >> 3] & (0x80 >> (p & 7))) owners[p]++
      }
    }
    return { covered: owners.filter((n) => n > 0).length, twice: owners.filter((n) => n > 1).length }
  }

  // How long until these nodes master every partition among themselves, from `begin`.
  async untilCovered (nodes, begin = performance.now(), msMax = 20000) {
    for (;;) {
      const { covered } = await this.mastered(nodes)
      const ms = performance.now() - begin
      if (covered === PARTITIONS) return ms
      if (ms > msMax) throw new Error(`only ${covered} partitions have a master after ${ms.toFixed()} ms`)
      await delay(2)
    }
  }

  // Every partition's copies are the same, byte for byte: partition-info tells the sum of each
  // copy's contents. Returns how many partitions have as many copies as there should be.
  async compareReplicas (nodes = this.alive) {
    const copies = Array.from({ length: PARTITIONS }, () => [])
    for (const node of nodes) {
      const rows = (await node.info('partition-info', 5000))['partition-info'].split(';').map((row) => row.split(':'))
      const column = Object.fromEntries(rows[0].map((name, at) => [name, at]))
      for (const row of rows.slice(1)) {
        if (row[column.namespace] !== 'test' || row[column.state] === 'A') continue
        copies[Number(row[column.partition])].push({ node: node.name, sum: row[column.contents], records: row[column.records] })
      }
    }
    const want = Math.min(this.replicationFactor, nodes.length)
    const different = []
    copies.forEach((list, partition) => {
      if (list.length !== want || new Set(list.map((c) => `${c.sum}/${c.records}`)).size !== 1) {
        different.push({ partition, copies: list })
      }
    })
    return different
  }

  // Waits until all copies are the same and nobody holds one that it should not; gives those that
  // are not when time is up. (Tombstones go at some time, not everywhere at once.)
  async untilEqual (nodes = this.alive, msMax = 30000) {
    const end = performance.now() + msMax
    for (;;) {
      const different = await this.compareReplicas(nodes)
      if (different.length === 0 || performance.now() > end) return different
      await delay(50)
    }
  }

  async remove () {
    for (const node of this.nodes) {
      if (!node.running) continue
      if (node.paused) node.resume()
      await node.kill()
    }
    this.lan.remove()
    fs.rmSync(this.folder, { recursive: true, force: true })
  }
}

module.exports = { Cluster, PARTITIONS, ask }
