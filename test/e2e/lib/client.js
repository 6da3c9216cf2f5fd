// SPDX-License-Identifier: Apache-2.0
// What the tests share: a node of their own with an official client on it, and small helpers.
'use strict'

const assert = require('node:assert/strict')
const Aerospike = require('aerospike')
const { startNode } = require('./node_process')

Aerospike.setDefaultLogging({ level: Aerospike.log.OFF })

function connect (node, extra = {}) {
  const policy = { totalTimeout: 5000, socketTimeout: 5000 }
  return Aerospike.connect({
    hosts: [{ addr: '127.0.0.1', port: node.port }],
    log: { level: Aerospike.log.OFF },
    policies: Object.fromEntries(['read', 'write', 'operate', 'remove', 'batch', 'query', 'scan', 'info']
      .map((name) => [name, policy])),
    ...extra
  })
}

// Gives the enclosing mocha suite a node and a client for all its tests: `it.node`, `it.client` in the
// object returned. The node has to stop cleanly at the end.
function nodeForSuite (options = {}) {
  const it = { node: null, client: null }
  before(async function () {
    it.node = await startNode(options)
    it.client = await connect(it.node, options.client)
  })
  after(async function () {
    if (it.client) await it.client.close()
    if (!it.node) return
    const exit = await it.node.stop()
    assert.deepEqual(exit, { code: 0, signal: null }, `ballastd did not stop cleanly:\n${it.node.output}`)
  })
  return it
}

// The status of the error that `promise` ends with; fails when it ends well.
async function codeOf (promise) {
  try {
    await promise
  } catch (error) {
    return error.code
  }
  assert.fail('an error was expected')
}

let serial = 0

// A key that no other test uses.
function newKey (set = 'demo', namespace = 'test') {
  return new Aerospike.Key(namespace, set, `key-${process.pid}-${++serial}`)
}

// Calls `work` for each item, at most 50 at a time: the client refuses more commands than it may have
// connections. Waits for all of them, also when one fails.
async function forAll (items, work) {
  const results = []
  let next = 0
  const one = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await work(items[at], at)
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: 50 }, one))
  const failed = ended.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
  return results
}

// All records of a scan or query.
function collect (query, policy) {
  return new Promise((resolve, reject) => {
    const records = []
    const stream = query.foreach(policy)
    stream.on('data', (record) => records.push(record))
    stream.on('error', reject)
    stream.on('end', (state) => {
      records.state = state
      resolve(records)
    })
  })
}

module.exports = { Aerospike, codeOf, collect, connect, forAll, newKey, nodeForSuite, status: Aerospike.status }
