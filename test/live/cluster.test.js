// SPDX-License-Identifier: Apache-2.0
// Faults on a live cluster under load, seen through the official client with its retries off. Each
// test prints how long recovery took; the bounds are those the product promises.
'use strict'

const assert = require('node:assert/strict')
const { Cluster } = require('./lib/cluster')
const { History } = require('./lib/history')
const { delay } = require('../e2e/lib/node_process')

function kinds (failures) {
  const counts = {}
  for (const f of failures) counts[`${f.op}: ${f.message}`] = (counts[`${f.op}: ${f.message}`] || 0) + 1
  return JSON.stringify(counts)
}

// Bounds on time hold on a machine that is otherwise idle: `make live` demands them, `make test` only
// prints what it saw.
const timed = process.env.LIVE_UNTIMED !== '1'

function within (ms, msMax, what) {
  if (timed) assert.ok(ms <= msMax, `${what} after ${ms} ms`)
}

function tell (text) {
  console.log(`      ${text}`)
}

describe('a live cluster', function () {
  this.timeout(120000)
  let cluster, history

  async function begin (options, load = {}) {
    cluster = await Cluster.make(options)
    history = new History(load)
    await history.connect(cluster.alive.map((node) => node.host.address))
    history.start()
    await enough(500)
    assert.deepEqual(history.failures, [], 'before any fault')
  }

  // Waits until so many more operations went well.
  async function enough (count) {
    const goal = history.writes + history.reads + count
    const end = performance.now() + 30000
    while (history.writes + history.reads < goal) {
      assert.ok(performance.now() < end, `operations go on: ${kinds(history.failures.slice(-50))}`)
      await delay(10)
    }
  }

  async function finish () {
    await cluster.untilFormed()
    await cluster.untilSettled()
    await enough(500)
    await history.stop()
    await history.verify()
    assert.deepEqual(history.findings, [])
    await cluster.untilSettled()
    assert.deepEqual((await cluster.untilEqual()).slice(0, 3), [], 'copies that differ')
  }

  afterEach(async function () {
    if (this.currentTest.state === 'failed' && cluster) {
      for (const node of cluster.nodes) console.log(`--- ${node.name}\n${node.output.slice(-3000)}`)
    }
    if (history) {
      if (history.running) await history.stop()
      await history.close()
    }
    if (cluster) await cluster.remove()
    cluster = history = null
  })

  for (const vanish of [false, true]) {
    it(`goes on within 300 ms after kill -9 of a node${vanish ? ' whose address vanishes with it' : ''}`, async () => {
      await begin({ hosts: 3, replicationFactor: 2 })
      const victim = cluster.nodes[1]
      const survivors = cluster.nodes.filter((node) => node !== victim)
      const at = performance.now()
      const killed = victim.kill()
      if (vanish) killed.then(() => victim.host.cut())
      const covered = await cluster.untilCovered(survivors, at)
      await delay(2500)
      // Nobody answers for an address that is gone: a call that was sent to it in time fails when the
      // client's own patience (1.5 s) ends.
      const last = history.lastFailureMs(at, vanish ? 'begun' : 'at')
      tell(`all partitions mastered after ${covered.toFixed()} ms, last failed write ${vanish ? 'begun ' : ''}${last.toFixed()} ms after the death`)
      await finish()
      within(covered, 300, 'new map')
      within(last, 1300, 'last failed write')
    })
  }

  it('goes on within 2 s after a node is paused, and takes it back', async () => {
    await begin({ hosts: 3, replicationFactor: 2 })
    const victim = cluster.nodes[1]
    const survivors = cluster.nodes.filter((node) => node !== victim)
    const at = performance.now()
    victim.pause()
    const covered = await cluster.untilCovered(survivors, at)
    await delay(3000)
    const last = history.lastFailureMs(at)
    tell(`all partitions mastered after ${covered.toFixed()} ms, last failed write ${last.toFixed()} ms after the pause`)
    victim.resume()
    await finish()
    within(covered, 2000, 'new map')
    within(last, 3200, 'last failed write')
  })

  it('goes on within 2 s after a node is cut off, and takes it back', async () => {
    await begin({ hosts: 3, replicationFactor: 2 })
    const victim = cluster.nodes[1]
    const survivors = cluster.nodes.filter((node) => node !== victim)
    const at = performance.now()
    victim.host.cut()
    const covered = await cluster.untilCovered(survivors, at)
    await delay(3000)
    const last = history.lastFailureMs(at)
    tell(`all partitions mastered after ${covered.toFixed()} ms, last failed write ${last.toFixed()} ms after the cut`)
    victim.host.heal()
    await finish()
    within(covered, 2000, 'new map')
    within(last, 3200, 'last failed write')
  })

  for (const replicationFactor of [1, 2]) {
    it(`loses nothing and fails nobody when a node leaves at replication factor ${replicationFactor}`, async () => {
      await begin({ hosts: 3, replicationFactor })
      const exit = await cluster.nodes[1].stop()
      tell(`left after ${exit.ms.toFixed()} ms`)
      assert.deepEqual({ code: exit.code, signal: exit.signal }, { code: 0, signal: null })
      await delay(1500)
      await finish()
      assert.deepEqual(history.failures, [])
    })
  }

  it('takes a new node in within a second, and nobody notices', async () => {
    await begin({ hosts: 4, nodes: 3, replicationFactor: 2 })
    const at = performance.now()
    cluster.nodes[3].start()
    await cluster.untilFormed(cluster.nodes, 10000)
    const ms = performance.now() - at
    tell(`in the map ${ms.toFixed()} ms after its start`)
    within(ms, 1000, 'in the map')
    await finish()
    assert.deepEqual(history.failures, [])
  })

  it('forms again by itself after all nodes stopped and every address changed', async () => {
    await begin({ hosts: 3, replicationFactor: 2 })
    await history.stop()
    const ids = await Promise.all(cluster.nodes.map(async (node) => (await node.info('node')).node))
    await Promise.all(cluster.nodes.map((node) => node.kill()))
    cluster.nodes.forEach((node, at) => node.host.readdress(`10.88.0.${20 + at}`))
    cluster.nodes.forEach((node) => node.start())
    await cluster.untilFormed()
    assert.deepEqual(await Promise.all(cluster.nodes.map(async (node) => (await node.info('node')).node)), ids)
  })
})
