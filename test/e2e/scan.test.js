// SPDX-License-Identifier: Apache-2.0
// Primary-index scans and queries, background operations and truncation through the official client.
'use strict'

const assert = require('node:assert/strict')
const { Aerospike, codeOf, collect, forAll, newKey, nodeForSuite, status } = require('./lib/client')
const { until } = require('./lib/node_process')
const op = Aerospike.operations

describe('a scan', function () {
  const at = nodeForSuite({ config: { namespaces: { test: [], bar: [] } } })
  const COUNT = 1000

  async function fill (set, count, namespace = 'test') {
    const keys = Array.from({ length: count }, (_, i) => new Aerospike.Key(namespace, set, i))
    await forAll(keys, (key, i) => at.client.put(key, { i, s: `record ${i}` }, { ttl: 1000 },
      new Aerospike.WritePolicy({ key: Aerospike.policy.key.SEND })))
    return keys
  }
  const numbers = (records) => records.map((record) => record.bins.i).sort((a, b) => a - b)
  const range = (count) => Array.from({ length: count }, (_, i) => i)

  before(async function () {
    await fill('scanned', COUNT)
    await fill('other', 10)
  })

  it('returns each record of its set once, with key, generation and time to live', async function () {
    const records = await collect(at.client.scan('test', 'scanned'))
    assert.deepEqual(numbers(records), range(COUNT))
    for (const record of records) {
      assert.equal(record.key.key, record.bins.i)
      assert.equal(record.gen, 1)
      assert.ok(record.ttl > 900 && record.ttl <= 1000)
    }
  })

  it('returns the records of all sets when it names none', async function () {
    const records = await collect(at.client.scan('test'))
    assert.equal(records.filter((record) => record.key.set === 'scanned').length, COUNT)
    assert.equal(records.filter((record) => record.key.set === 'other').length, 10)
  })

  it('returns nothing from a set that does not exist', async function () {
    assert.equal((await collect(at.client.scan('test', 'nothing'))).length, 0)
  })

  it('returns the selected bins, or none', async function () {
    const some = await collect(at.client.scan('test', 'other', { select: ['s'] }))
    assert.ok(some.every((record) => Object.keys(record.bins).join() === 's'))
    const none = await collect(at.client.scan('test', 'other', { nobins: true }))
    assert.equal(none.length, 10)
    assert.ok(none.every((record) => Object.keys(record.bins).length === 0))
  })

  it('returns no more than the most records asked for', async function () {
    assert.equal((await collect(at.client.scan('test', 'scanned'), { maxRecords: 33 })).length, 33)
  })

  it('returns only records of the partitions asked for, and all of them together', async function () {
    let sum = []
    for (let begin = 0; begin < 4096; begin += 1024) {
      const scan = at.client.scan('test', 'scanned')
      scan.partitions(begin, 1024)
      const records = await collect(scan)
      for (const record of records) {
        const digest = record.key.digest
        const partition = (digest[0] | digest[1] << 8) & 0xfff
        assert.ok(partition >= begin && partition < begin + 1024)
      }
      sum = sum.concat(records)
    }
    assert.deepEqual(numbers(sum), range(COUNT))
  })

  it('goes on page by page without losing or repeating a record', async function () {
    const scan = at.client.scan('test', 'scanned', { paginate: true })
    let all = []
    let pages = 0
    for (;;) {
      const records = await collect(scan, { maxRecords: 70 })
      assert.ok(records.length <= 70)
      all = all.concat(records)
      pages++
      scan.nextPage(records.state)
      if (!scan.hasNextPage()) break
    }
    assert.equal(pages, Math.ceil(COUNT / 70))
    assert.deepEqual(numbers(all), range(COUNT))
  })

  it('keeps to the records per second asked for', async function () {
    this.timeout(15000)
    const start = Date.now()
    const records = await collect(at.client.scan('test', 'scanned'),
      new Aerospike.ScanPolicy({ recordsPerSecond: 500, totalTimeout: 0 }))
    assert.equal(records.length, COUNT)
    assert.ok(Date.now() - start >= 900, `took ${Date.now() - start} ms`)
  })

  it('runs short and long', async function () {
    for (const expectedDuration of Object.values(Aerospike.policy.queryDuration)) {
      const records = await collect(at.client.query('test', 'other'), new Aerospike.QueryPolicy({ expectedDuration }))
      assert.equal(records.length, 10)
    }
  })

  it('returns each record once while others are written and removed', async function () {
    let stop = false
    const churn = (async () => {
      for (let i = 0; !stop; i++) {
        const key = new Aerospike.Key('test', 'scanned', `extra ${i % 100}`)
        await at.client.put(key, { i: -1 })
        await at.client.remove(key)
      }
    })()
    for (let round = 0; round < 5; round++) {
      const records = await collect(at.client.scan('test', 'scanned'))
      assert.deepEqual(numbers(records).filter((i) => i >= 0), range(COUNT))
    }
    stop = true
    await churn
  })

  it('answers an unknown namespace with its code', async function () {
    assert.equal(await codeOf(collect(at.client.scan('nowhere', 'demo'))), status.ERR_NAMESPACE_NOT_FOUND)
  })

  it('refuses to write while it reads', async function () {
    const query = at.client.query('test', 'other', { ops: [op.write('x', 1)] })
    assert.notEqual(await codeOf(query.results()), status.OK)
    const records = await collect(at.client.scan('test', 'other'))
    assert.ok(records.every((record) => !('x' in record.bins)))
  })

  it('leaves the connection of an abandoned one behind and goes on serving', async function () {
    for (let round = 0; round < 20; round++) {
      await new Promise((resolve, reject) => {
        const stream = at.client.scan('test', 'scanned').foreach()
        stream.on('data', () => stream.abort())
        stream.on('error', reject)
        stream.on('end', resolve)
      })
    }
    assert.equal((await collect(at.client.scan('test', 'other'))).length, 10)
  })

  describe('in the background', function () {
    it('changes each record of its set', async function () {
      const keys = await fill('background', 300)
      const scan = at.client.scan('test', 'background')
      const job = await scan.operate([op.incr('i', 1000), op.write('done', true)])
      await job.waitUntilDone(20)
      for (const key of keys) {
        const { bins, gen } = await at.client.get(key)
        assert.deepEqual([bins.i, bins.done, gen], [key.key + 1000, true, 2])
      }
    })

    it('gives each record the time to live asked for', async function () {
      const keys = await fill('background-ttl', 50)
      const job = await at.client.scan('test', 'background-ttl', { ttl: 5000 }).operate([op.touch(5000)])
      await job.waitUntilDone(20)
      const { ttl } = await at.client.get(keys[7])
      assert.ok(ttl > 4900 && ttl <= 5000)
    })

    it('refuses operations that only read', async function () {
      assert.notEqual(await codeOf(at.client.query('test', 'other').operate([op.read('i')])), status.OK)
    })
  })

  describe('after a truncation', function () {
    it('finds nothing of the truncated set and all of the others', async function () {
      await fill('cut', 100)
      await at.client.truncate('test', 'cut', 0)
      assert.equal((await collect(at.client.scan('test', 'cut'))).length, 0)
      assert.equal(await at.client.exists(new Aerospike.Key('test', 'cut', 1)), false)
      assert.equal((await collect(at.client.scan('test', 'other'))).length, 10)
    })

    it('finds what was written since', async function () {
      await fill('again', 50)
      await at.client.truncate('test', 'again', 0)
      const keys = await fill('again', 5)
      assert.deepEqual(numbers(await collect(at.client.scan('test', 'again'))), range(5))
      assert.equal((await at.client.get(keys[0])).gen, 1)
    })

    it('keeps what is newer than the time given', async function () {
      const old = newKey('by-time')
      await at.client.put(old, { i: 1 })
      const before = Date.now() + 20
      await until('the clock passed the time', () => Date.now() > before + 20)
      const young = newKey('by-time')
      await at.client.put(young, { i: 2 })
      await at.client.truncate('test', 'by-time', before * 1000000)
      assert.deepEqual(numbers(await collect(at.client.scan('test', 'by-time'))), [2])
    })

    it('finds nothing of a truncated namespace and all of the others', async function () {
      await fill('a', 20, 'bar')
      await fill('b', 20, 'bar')
      await at.client.truncate('bar', '', 0)
      assert.equal((await collect(at.client.scan('bar'))).length, 0)
      assert.equal((await collect(at.client.scan('test', 'other'))).length, 10)
    })

    it('refuses a time that has not come yet', async function () {
      assert.notEqual(await codeOf(at.client.truncate('test', 'other', (Date.now() + 3600000) * 1000000)), status.OK)
      assert.equal((await collect(at.client.scan('test', 'other'))).length, 10)
    })
  })
})
