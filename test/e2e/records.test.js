// SPDX-License-Identifier: Apache-2.0
// Single records through the official client: what a user stores, he gets back.
'use strict'

const assert = require('node:assert/strict')
const { Aerospike, codeOf, forAll, newKey, nodeForSuite, status } = require('./lib/client')
const op = Aerospike.operations

describe('a record', function () {
  const at = nodeForSuite()

  describe('written with put', function () {
    const values = {
      integer: 42,
      zero: 0,
      negative: -9007199254740991,
      bigint: 9223372036854775807n,
      double: 3.14159,
      text: 'Zürich 東京 🗼',
      emptyText: '',
      bytes: Buffer.from([0, 1, 2, 255]),
      emptyBytes: Buffer.alloc(0),
      list: [1, 'two', 3.5, [4, 5], { six: 6 }, null, true],
      emptyList: [],
      map: { a: 1, b: { c: [1, 2] } },
      emptyMap: {},
      yes: true,
      no: false
    }
    for (const [name, value] of Object.entries(values)) {
      it(`returns its ${name} bin as it was stored`, async function () {
        const key = newKey()
        await at.client.put(key, { bin: value })
        assert.deepEqual((await at.client.get(key)).bins, { bin: value })
      })
    }

    it('returns GeoJSON as its text', async function () {
      const key = newKey()
      await at.client.put(key, { geo: new Aerospike.GeoJSON.Point(103.8, 1.283) })
      assert.deepEqual(JSON.parse((await at.client.get(key)).bins.geo),
        { type: 'Point', coordinates: [103.8, 1.283] })
    })

    it('has generation 1, and one more with each write', async function () {
      const key = newKey()
      for (let generation = 1; generation <= 5; generation++) {
        await at.client.put(key, { i: generation })
        assert.equal((await at.client.get(key)).gen, generation)
      }
    })

    it('keeps the bins that a second put does not name', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1, b: 2 })
      await at.client.put(key, { b: 3, c: 4 })
      assert.deepEqual((await at.client.get(key)).bins, { a: 1, b: 3, c: 4 })
    })

    it('loses a bin that is set to null', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1, b: 2 })
      await at.client.put(key, { a: null })
      assert.deepEqual((await at.client.get(key)).bins, { b: 2 })
    })

    it('is gone when its last bin is set to null', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: null })
      assert.equal(await at.client.exists(key), false)
    })

    it('can change the type of a bin', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: 'text' })
      assert.deepEqual((await at.client.get(key)).bins, { a: 'text' })
    })

    it('is found by each kind of key', async function () {
      for (const user of ['text', '', 17, -17, 2n ** 63n - 1n, Buffer.from('bytes')].filter((k) => k !== '')) {
        const key = new Aerospike.Key('test', 'kinds', user)
        await at.client.put(key, { is: String(user) })
        assert.deepEqual((await at.client.get(key)).bins, { is: String(user) })
      }
    })

    it('is found by its digest alone', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      const digest = (await at.client.get(key)).key.digest || key.digest
      assert.deepEqual((await at.client.get(new Aerospike.Key('test', undefined, null, digest))).bins, { a: 1 })
    })

    it('lives without a set', async function () {
      const key = new Aerospike.Key('test', null, 'no set')
      await at.client.put(key, { a: 1 })
      assert.deepEqual((await at.client.get(key)).bins, { a: 1 })
    })

    it('is another record in another set', async function () {
      await at.client.put(new Aerospike.Key('test', 'one', 'same'), { in: 'one' })
      await at.client.put(new Aerospike.Key('test', 'two', 'same'), { in: 'two' })
      assert.deepEqual((await at.client.get(new Aerospike.Key('test', 'one', 'same'))).bins, { in: 'one' })
      assert.deepEqual((await at.client.get(new Aerospike.Key('test', 'two', 'same'))).bins, { in: 'two' })
    })

    it('holds 1,000 bins', async function () {
      const key = newKey()
      const bins = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`bin-${i}`, i]))
      await at.client.put(key, bins)
      assert.deepEqual((await at.client.get(key)).bins, bins)
    })

    it('holds a value of 900 KB, compressed on the way or not', async function () {
      const value = Buffer.alloc(900 * 1024, 'ballast')
      for (const compress of [false, true]) {
        const key = newKey()
        await at.client.put(key, { value }, {}, new Aerospike.WritePolicy({ compress }))
        const record = await at.client.get(key, new Aerospike.ReadPolicy({ compress }))
        assert.ok(value.equals(record.bins.value))
      }
    })

    it('is refused when it is larger than the namespace allows', async function () {
      const key = newKey()
      assert.equal(await codeOf(at.client.put(key, { value: Buffer.alloc(2 * 1024 * 1024) })), status.ERR_RECORD_TOO_BIG)
      assert.equal(await at.client.exists(key), false)
    })

    it('is refused in an unknown namespace', async function () {
      assert.equal(await codeOf(at.client.put(new Aerospike.Key('nowhere', 'demo', 1), { a: 1 })),
        status.ERR_NAMESPACE_NOT_FOUND)
    })
  })

  describe('read', function () {
    it('answers not found when there is none', async function () {
      assert.equal(await codeOf(at.client.get(newKey())), status.ERR_RECORD_NOT_FOUND)
    })

    it('answers only the bins that were asked for and exist', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1, b: 2, c: 3 })
      assert.deepEqual((await at.client.select(key, ['c', 'a', 'none'])).bins, { a: 1, c: 3 })
    })

    it('answers whether it exists, with its generation', async function () {
      const key = newKey()
      assert.equal(await at.client.exists(key), false)
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: 2 })
      assert.equal(await at.client.exists(key), true)
      const record = await at.client.existsWithMetadata(key)
      assert.equal(record.gen, 2)
      assert.equal(record.bins, null)
    })
  })

  describe('removed', function () {
    it('is gone', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      await at.client.remove(key)
      assert.equal(await codeOf(at.client.get(key)), status.ERR_RECORD_NOT_FOUND)
    })

    it('answers not found the second time', async function () {
      assert.equal(await codeOf(at.client.remove(newKey())), status.ERR_RECORD_NOT_FOUND)
    })

    it('begins again with generation 1', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: 1 })
      await at.client.remove(key)
      await at.client.put(key, { b: 1 })
      const record = await at.client.get(key)
      assert.equal(record.gen, 1)
      assert.deepEqual(record.bins, { b: 1 })
    })

    it('stays when the generation given is not its own', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      const policy = { gen: Aerospike.policy.gen.EQ, generation: 7 }
      assert.equal(await codeOf(at.client.remove(key, new Aerospike.RemovePolicy(policy))),
        status.ERR_RECORD_GENERATION)
      await at.client.remove(key, new Aerospike.RemovePolicy({ ...policy, generation: 1 }))
      assert.equal(await at.client.exists(key), false)
    })
  })

  describe('written under an exists policy', function () {
    const put = (key, bins, exists) => at.client.put(key, bins, {}, new Aerospike.WritePolicy({ exists }))
    const { CREATE, UPDATE, REPLACE, CREATE_OR_REPLACE } = Aerospike.policy.exists

    it('CREATE makes a new one and leaves an old one alone', async function () {
      const key = newKey()
      await put(key, { a: 1 }, CREATE)
      assert.equal(await codeOf(put(key, { a: 2 }, CREATE)), status.ERR_RECORD_EXISTS)
      assert.deepEqual((await at.client.get(key)).bins, { a: 1 })
    })

    it('UPDATE changes an old one and makes no new one', async function () {
      const key = newKey()
      assert.equal(await codeOf(put(key, { a: 1 }, UPDATE)), status.ERR_RECORD_NOT_FOUND)
      await put(key, { a: 1 }, CREATE)
      await put(key, { b: 2 }, UPDATE)
      assert.deepEqual((await at.client.get(key)).bins, { a: 1, b: 2 })
    })

    it('REPLACE drops the bins that are not written and makes no new one', async function () {
      const key = newKey()
      assert.equal(await codeOf(put(key, { a: 1 }, REPLACE)), status.ERR_RECORD_NOT_FOUND)
      await put(key, { a: 1 }, CREATE)
      await put(key, { b: 2 }, REPLACE)
      const record = await at.client.get(key)
      assert.deepEqual(record.bins, { b: 2 })
      assert.equal(record.gen, 2)
    })

    it('CREATE_OR_REPLACE does either', async function () {
      const key = newKey()
      await put(key, { a: 1 }, CREATE_OR_REPLACE)
      await put(key, { b: 2 }, CREATE_OR_REPLACE)
      assert.deepEqual((await at.client.get(key)).bins, { b: 2 })
    })
  })

  describe('written under a generation policy', function () {
    it('changes only when the generation is the expected one', async function () {
      const key = newKey()
      const policy = new Aerospike.WritePolicy({ gen: Aerospike.policy.gen.EQ })
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: 2 }, { gen: 1 }, policy)
      assert.equal(await codeOf(at.client.put(key, { a: 3 }, { gen: 1 }, policy)), status.ERR_RECORD_GENERATION)
      assert.deepEqual((await at.client.get(key)).bins, { a: 2 })
    })

    it('changes only when the given generation is greater', async function () {
      const key = newKey()
      const policy = new Aerospike.WritePolicy({ gen: Aerospike.policy.gen.GT })
      await at.client.put(key, { a: 1 })
      await at.client.put(key, { a: 2 }, { gen: 9 }, policy)
      assert.equal(await codeOf(at.client.put(key, { a: 3 }, { gen: 2 }, policy)), status.ERR_RECORD_GENERATION)
    })
  })

  describe('with a stored key', function () {
    const send = { key: Aerospike.policy.key.SEND }

    it('can be read with and without sending the key', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 }, {}, new Aerospike.WritePolicy(send))
      assert.deepEqual((await at.client.get(key)).bins, { a: 1 })
      assert.deepEqual((await at.client.get(key, new Aerospike.ReadPolicy(send))).bins, { a: 1 })
    })

    it('keeps the key when it is changed without sending it', async function () {
      const key = new Aerospike.Key('test', 'kept-key', 'the key')
      await at.client.put(key, { a: 1 }, {}, new Aerospike.WritePolicy(send))
      await at.client.put(key, { a: 2 })
      const records = await at.client.query('test', 'kept-key').results()
      assert.deepEqual(records.map((record) => [record.key.key, record.bins.a]), [['the key', 2]])
    })
  })

  describe('changed with operate', function () {
    it('applies the operations in order and answers the reads', async function () {
      const key = newKey()
      await at.client.put(key, { i: 1, s: 'b' })
      const record = await at.client.operate(key,
        [op.incr('i', 5), op.append('s', 'c'), op.prepend('s', 'a'), op.write('n', 7), op.read('i'), op.read('s')])
      assert.deepEqual(record.bins, { i: 6, s: 'abc' })
      assert.deepEqual((await at.client.get(key)).bins, { i: 6, s: 'abc', n: 7 })
    })

    it('creates the record that it changes', async function () {
      const key = newKey()
      await at.client.operate(key, [op.incr('i', 5), op.append('s', 'x'), op.incr('d', new Aerospike.Double(1.5))])
      assert.deepEqual((await at.client.get(key)).bins, { i: 5, s: 'x', d: 1.5 })
    })

    it('changes nothing when one operation fails', async function () {
      const key = newKey()
      await at.client.put(key, { i: 1, s: 'text' })
      assert.equal(await codeOf(at.client.operate(key, [op.incr('i', 1), op.incr('s', 1)])),
        status.ERR_BIN_INCOMPATIBLE_TYPE)
      assert.deepEqual((await at.client.get(key)).bins, { i: 1, s: 'text' })
    })

    it('adds as 64-bit integers do', async function () {
      const key = newKey()
      await at.client.put(key, { i: 2n ** 63n - 1n })
      await at.client.incr(key, { i: -1 })
      assert.deepEqual((await at.client.get(key)).bins, { i: 2n ** 63n - 2n })
    })

    it('reads and deletes at once', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      assert.deepEqual((await at.client.operate(key, [op.read('a'), op.delete()])).bins, { a: 1 })
      assert.equal(await at.client.exists(key), false)
    })

    it('deletes and writes anew at once', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1, b: 2 })
      await at.client.operate(key, [op.delete(), op.write('c', 3)])
      assert.deepEqual((await at.client.get(key)).bins, { c: 3 })
    })

    it('touch raises the generation and leaves the bins alone', async function () {
      const key = newKey()
      await at.client.put(key, { a: 1 })
      await at.client.operate(key, [op.touch(1000)])
      const record = await at.client.get(key)
      assert.deepEqual(record.bins, { a: 1 })
      assert.equal(record.gen, 2)
      assert.ok(record.ttl > 990 && record.ttl <= 1000)
    })

    it('touch answers not found when there is no record', async function () {
      assert.equal(await codeOf(at.client.operate(newKey(), [op.touch(1000)])), status.ERR_RECORD_NOT_FOUND)
    })

    it('reads alone answer not found when there is no record', async function () {
      assert.equal(await codeOf(at.client.operate(newKey(), [op.read('a')])), status.ERR_RECORD_NOT_FOUND)
    })
  })

  it('counts each of 2,000 concurrent increments', async function () {
    const key = newKey()
    await forAll(Array.from({ length: 2000 }), () => at.client.incr(key, { count: 1 }))
    const record = await at.client.get(key)
    assert.deepEqual([record.bins.count, record.gen], [2000, 2000])
  })
})
