// SPDX-License-Identifier: Apache-2.0
// Clients that write and read all the time through the official client, its retries switched off,
// and remember what was acknowledged. Each key has one writer at a time and takes growing numbers,
// so what a read may see is known: the last acknowledged number, or that of a write whose outcome is
// in doubt. Such a write may take effect at any later moment, but only once: then it counts as if it
// had been acknowledged there.
'use strict'

const Aerospike = require('aerospike')

Aerospike.setDefaultLogging({ level: Aerospike.log.OFF })

const { status } = Aerospike
// Nothing happened for certain, unless the client says that the write may have been sent; every other
// failure of a write leaves it in doubt.
const REFUSED = new Set([status.ERR_INVALID_NODE, status.ERR_NO_MORE_CONNECTIONS, status.ERR_CLUSTER,
  status.ERR_ASYNC_CONNECTION])

class History {
  constructor ({ keys = 1000, clients = 16, set = 'live', removes = true, pauseMs = 0 } = {}) {
    this.keys = Array.from({ length: keys }, (_, at) => ({
      key: new Aerospike.Key('test', set, `key-${at}`),
      number: 0, // last one tried
      acknowledged: 0, // last one acknowledged
      gone: true, // the last acknowledged write was a removal
      doubt: [], // { number, gone } tried later, outcome unknown
      busy: false
    }))
    this.clients = clients
    this.removes = removes
    this.pauseMs = pauseMs
    this.failures = [] // { at, op, code, message }
    this.findings = [] // acknowledged writes that were lost, stale reads
    this.writes = this.reads = 0
    this.late = 0 // writes in doubt that took effect after a later one had been acknowledged
    this.random = 12345
  }

  async connect (addresses, extra = {}) {
    const policy = { totalTimeout: 1500, socketTimeout: 1500, maxRetries: 0 }
    this.client = await Aerospike.connect({
      hosts: addresses.map((addr) => ({ addr, port: 3000 })),
      log: { level: Aerospike.log.OFF },
      maxConnsPerNode: 300,
      policies: Object.fromEntries(['read', 'write', 'operate', 'remove', 'batch', 'query', 'scan', 'info']
        .map((name) => [name, policy])),
      ...extra
    })
  }

  next (below) { // xorshift
    this.random ^= this.random << 13
    this.random ^= this.random >>> 17
    this.random ^= this.random << 5
    return (this.random >>> 0) % below
  }

  fail (op, error, begun) {
    this.failures.push({ at: performance.now(), begun, op, code: error.code, message: error.message, inDoubt: error.inDoubt })
  }

  async write (entry) {
    const begun = performance.now()
    const number = ++entry.number
    const gone = this.removes && this.next(20) === 0
    try {
      if (gone) {
        await this.client.remove(entry.key).catch((error) => {
          if (error.code !== status.ERR_RECORD_NOT_FOUND) throw error
          this.judge(entry, null)
        })
      } else {
        await this.client.put(entry.key, { number, text: 'x'.repeat(50) })
      }
      entry.acknowledged = number
      entry.gone = gone
      this.writes++
    } catch (error) {
      if (error.inDoubt || !REFUSED.has(error.code)) entry.doubt.push({ number, gone })
      this.fail(gone ? 'remove' : 'write', error, begun)
    }
  }

  find (entry, what) {
    this.findings.push({ at: performance.now(), key: entry.key.key, what, acknowledged: entry.acknowledged, gone: entry.gone, doubt: entry.doubt.slice(-3) })
  }

  judge (entry, number) {
    if (number === null ? entry.gone : number === entry.acknowledged && !entry.gone) return
    const at = entry.doubt.findIndex((d) => number === null ? d.gone : d.number === number && !d.gone)
    if (at < 0) return this.find(entry, number === null ? 'is gone' : `reads ${number}`)
    const late = entry.doubt.splice(at, 1)[0]
    if (late.number < entry.acknowledged) this.late++
    entry.acknowledged = late.number
    entry.gone = late.gone
  }

  async read (entry) {
    const begun = performance.now()
    try {
      const record = await this.client.get(entry.key)
      this.judge(entry, record.bins.number)
      this.reads++
    } catch (error) {
      if (error.code === status.ERR_RECORD_NOT_FOUND) {
        this.judge(entry, null)
        this.reads++
      } else {
        this.fail('read', error, begun)
      }
    }
  }

  start () {
    this.running = true
    const work = async () => {
      while (this.running) {
        const entry = this.keys[this.next(this.keys.length)]
        if (entry.busy) {
          await new Promise((resolve) => setImmediate(resolve))
          continue
        }
        entry.busy = true
        await (this.next(3) === 0 ? this.read(entry) : this.write(entry))
        entry.busy = false
        if (this.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pauseMs))
      }
    }
    this.done = Promise.all(Array.from({ length: this.clients }, work))
  }

  async stop () {
    this.running = false
    await this.done
  }

  // Reads every key; retries what fails, for by now nothing may.
  async verify () {
    for (const entry of this.keys) {
      for (let i = 0; ; i++) {
        const failures = this.failures.length
        await this.read(entry)
        if (this.failures.length === failures) break
        if (i === 5) {
          this.find(entry, `cannot be read: ${this.failures[failures].message}`)
          break
        }
      }
    }
  }

  // The last failed write from `begin` on, in ms after it: when it failed, or when the latest of
  // them had been `begun`; 0: none.
  lastFailureMs (begin, when = 'at', ops = ['write', 'remove']) {
    const late = this.failures.filter((f) => f.at >= begin && ops.includes(f.op))
    return Math.max(0, ...late.map((f) => f[when] - begin))
  }

  async close () {
    if (this.client) await this.client.close(false)
  }
}

module.exports = { History }
