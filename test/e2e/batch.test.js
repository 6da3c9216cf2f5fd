// SPDX-License-Identifier: Apache-2.0
// Batches through the official client: many records in one request, each with its own result.
'use strict'

const assert = require('node:assert/strict')
const { Aerospike, forAll, newKey, nodeForSuite, status } = require('./lib/client')
const op = Aerospike.operations
const { BATCH_READ, BATCH_WRITE, BATCH_REMOVE } = Aerospike.batchType

describe('a batch', function () {
  const at = nodeForSuite()

  async function putMany (count, set = 'demo') {
    const keys = Array.from({ length: count }, () => newKey(set))
    await forAll(keys, (key, i) => at.client.put(key, { i, s: `value ${i}`, z: [i] }))
    return keys
  }

  it('reads 5,000 records in the order of its keys', async function () {
    const keys = await putMany(5000)
    const results = await at.client.batchRead(keys.map((key) => ({ key, readAllBins: true })))
    assert.equal(results.length, keys.length)
    results.forEach((result, n) => {
      assert.equal(result.status, status.OK)
      assert.equal(result.record.bins.i, n)
    })
  })

  it('reads what each row asks for: all bins, some, none, or nothing there', async function () {
    const [a, b, c] = await putMany(3)
    const results = await at.client.batchRead([
      { key: a, readAllBins: true }, { key: b, bins: ['s', 'none'] }, { key: c }, { key: newKey(), readAllBins: true }
    ])
    assert.deepEqual(results.map((result) => result.status), [0, 0, 0, status.ERR_RECORD_NOT_FOUND])
    assert.deepEqual(results.slice(0, 3).map((result) => result.record.bins),
      [{ i: 0, s: 'value 0', z: [0] }, { s: 'value 1' }, {}])
    assert.equal(results[2].record.gen, 1)
  })

  it('reads one key as often as it is named', async function () {
    const [key] = await putMany(1)
    const results = await at.client.batchRead(Array.from({ length: 50 }, () => ({ key, bins: ['i'] })))
    assert.deepEqual(results.map((result) => result.record.bins.i), Array(50).fill(0))
  })

  it('answers whether keys exist', async function () {
    const [key] = await putMany(1)
    const results = await at.client.batchExists([key, newKey()])
    assert.deepEqual(results.map((result) => result.status), [0, status.ERR_RECORD_NOT_FOUND])
  })

  it('reads, writes and removes in one request', async function () {
    const [a, b, c] = await putMany(3)
    const fresh = newKey()
    const results = await at.client.batchWrite([
      { type: BATCH_READ, key: a, readAllBins: true },
      { type: BATCH_WRITE, key: b, ops: [op.incr('i', 10), op.append('s', '!'), op.read('s')] },
      { type: BATCH_WRITE, key: fresh, ops: [op.write('made', 1)] },
      { type: BATCH_REMOVE, key: c }
    ])
    assert.deepEqual(results.map((result) => result.status), [0, 0, 0, 0])
    assert.equal(results[0].record.bins.s, 'value 0')
    assert.equal(results[1].record.bins.s, 'value 1!')
    assert.deepEqual((await at.client.get(b)).bins, { i: 11, s: 'value 1!', z: [1] })
    assert.deepEqual((await at.client.get(fresh)).bins, { made: 1 })
    assert.equal(await at.client.exists(c), false)
  })

  it('answers each failed row by itself and does the others', async function () {
    const [a, b] = await putMany(2)
    const gone = newKey()
    const CREATE = new Aerospike.BatchWritePolicy({ exists: Aerospike.policy.exists.CREATE })
    const UPDATE = new Aerospike.BatchWritePolicy({ exists: Aerospike.policy.exists.UPDATE })
    const results = await at.client.batchWrite([
      { type: BATCH_WRITE, key: a, ops: [op.write('i', 1)], policy: CREATE },
      { type: BATCH_WRITE, key: gone, ops: [op.write('i', 1)], policy: UPDATE },
      { type: BATCH_WRITE, key: b, ops: [op.incr('s', 1)] },
      { type: BATCH_WRITE, key: b, ops: [op.write('after', 1)] }
    ])
    assert.deepEqual(results.map((result) => result.status),
      [status.ERR_RECORD_EXISTS, status.ERR_RECORD_NOT_FOUND, status.ERR_BIN_INCOMPATIBLE_TYPE, 0])
    assert.equal((await at.client.get(b)).bins.after, 1)
  })

  it('removes many at once', async function () {
    const keys = await putMany(200)
    const results = await at.client.batchRemove(keys)
    assert.ok(results.every((result) => result.status === 0))
    const left = await at.client.batchExists(keys)
    assert.ok(left.every((result) => result.status === status.ERR_RECORD_NOT_FOUND))
  })

  it('writes with the time to live of its row', async function () {
    const key = newKey()
    await at.client.batchWrite([{ type: BATCH_WRITE,
      key,
      ops: [op.write('a', 1)],
      policy: new Aerospike.BatchWritePolicy({ ttl: 500 }) }])
    const { ttl } = await at.client.get(key)
    assert.ok(ttl > 490 && ttl <= 500)
  })

  it('carries large records, compressed or not', async function () {
    const keys = Array.from({ length: 20 }, () => newKey())
    const value = Buffer.alloc(200 * 1024, 'large ')
    await forAll(keys, (key) => at.client.put(key, { value }))
    for (const compress of [false, true]) {
      const results = await at.client.batchRead(keys.map((key) => ({ key, readAllBins: true })),
        new Aerospike.BatchPolicy({ compress, totalTimeout: 10000 }))
      assert.ok(results.every((result) => value.equals(result.record.bins.value)))
    }
  })
})
