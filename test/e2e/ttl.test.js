// SPDX-License-Identifier: Apache-2.0
// Time to live: what is asked for is what is answered, and what is over is gone.
'use strict'

const assert = require('node:assert/strict')
const { Aerospike, codeOf, collect, forAll, newKey, nodeForSuite, status } = require('./lib/client')
const { until } = require('./lib/node_process')
const { parsePairs } = require('./lib/raw')
const op = Aerospike.operations
const near = (actual, expected) => assert.ok(actual > expected - 5 && actual <= expected, `${actual}, not ${expected}`)

describe('time to live', function () {
  const at = nodeForSuite({ config: { namespaces: {
    test: ['default-ttl 3600', 'nsup-period 1'],
    forever: ['default-ttl 0', 'nsup-period 1'],
    never: ['default-ttl 0', 'nsup-period 0']
  } } })
  const ttlOf = async (key) => (await at.client.existsWithMetadata(key)).ttl

  it('is what the put asked for', async function () {
    const key = newKey()
    await at.client.put(key, { a: 1 }, { ttl: 100 })
    near(await ttlOf(key), 100)
  })

  it('is the default of the namespace when the put says nothing', async function () {
    const [key, endless] = [newKey(), newKey('demo', 'forever')]
    await at.client.put(key, { a: 1 })
    near(await ttlOf(key), 3600)
    await at.client.put(endless, { a: 1 })
    assert.equal(await ttlOf(endless), Aerospike.ttl.NEVER_EXPIRE)
  })

  it('is endless when the put asks for that', async function () {
    const key = newKey()
    await at.client.put(key, { a: 1 }, { ttl: Aerospike.ttl.NEVER_EXPIRE })
    assert.equal(await ttlOf(key), Aerospike.ttl.NEVER_EXPIRE)
  })

  it('stays as it is when the put asks for that', async function () {
    const key = newKey()
    await at.client.put(key, { a: 1 }, { ttl: 100 })
    await at.client.put(key, { a: 2 }, { ttl: Aerospike.ttl.DONT_UPDATE })
    near(await ttlOf(key), 100)
    assert.deepEqual((await at.client.get(key)).bins, { a: 2 })
  })

  it('begins anew with each other write', async function () {
    const key = newKey()
    await at.client.put(key, { a: 1 }, { ttl: 100 })
    await at.client.put(key, { a: 2 })
    near(await ttlOf(key), 3600)
    await at.client.operate(key, [op.touch(50)])
    near(await ttlOf(key), 50)
  })

  it('is renewed by a read near its end when the read asks for that', async function () {
    const key = newKey()
    await at.client.put(key, { a: 1 }, { ttl: 10 })
    const read = (readTouchTtlPercent) => at.client.get(key, new Aerospike.ReadPolicy({ readTouchTtlPercent }))
    await until('three seconds have gone by', async () => (await ttlOf(key)) <= 7)
    await read(50)
    assert.ok(await ttlOf(key) <= 7)
    await read(80)
    assert.ok(await ttlOf(key) >= 9)
  })

  it('is refused where nothing would ever expire', async function () {
    const key = newKey('demo', 'never')
    assert.equal(await codeOf(at.client.put(key, { a: 1 }, { ttl: 10 })), status.ERR_FAIL_FORBIDDEN)
    await at.client.put(key, { a: 1 })
    assert.equal(await ttlOf(key), Aerospike.ttl.NEVER_EXPIRE)
  })

  it('makes a record vanish when it is over, and the node count and free it', async function () {
    const keys = Array.from({ length: 50 }, () => newKey('short'))
    await forAll(keys, (key) => at.client.put(key, { a: 1 }, { ttl: 1 }))
    const stays = newKey('short')
    await at.client.put(stays, { a: 2 }, { ttl: 1000 })
    await until('the records are gone', async () =>
      (await at.client.batchExists(keys)).every((result) => result.status === status.ERR_RECORD_NOT_FOUND))
    assert.deepEqual((await collect(at.client.scan('test', 'short'))).map((record) => record.bins.a), [2])
    await until('the node has removed them', async () => {
      const answer = await at.node.info(['namespace/test', 'sets/test/short'])
      const set = parsePairs(answer['sets/test/short'].replace(/;$/, ''), ':')
      return Number(parsePairs(answer['namespace/test']).expired_objects) >= 50 && set.objects === '1'
    })
  })

  it('gives way to a new record under the same key', async function () {
    const key = newKey()
    await at.client.put(key, { old: 1 }, { ttl: 1 })
    await until('the record is gone', async () => !(await at.client.exists(key)))
    await at.client.put(key, { fresh: 1 }, {}, new Aerospike.WritePolicy({ exists: Aerospike.policy.exists.CREATE }))
    const record = await at.client.get(key)
    assert.deepEqual([record.bins, record.gen], [{ fresh: 1 }, 1])
  })
})
