// SPDX-License-Identifier: Apache-2.0
// What a node tells about itself, over the protocol and as the official client reads it.
'use strict'

const assert = require('node:assert/strict')
const { Aerospike, newKey, nodeForSuite } = require('./lib/client')
const { RawConnection, frame, parseInfo, parsePairs } = require('./lib/raw')

describe('info', function () {
  const at = nodeForSuite({ config: { namespaces: { test: [], bar: [] } } })
  const ask = async (name) => (await at.node.info(name))[name]

  it('answers each name in the order asked, known or not, and keeps the connection', async function () {
    const connection = await RawConnection.open(at.node.port)
    for (let round = 0; round < 2; round++) {
      connection.send(frame(1, Buffer.from('build\nno-such-thing\nnode\nbuild\n')))
      const { type, body } = await connection.message()
      const lines = body.toString().split('\n')
      assert.equal(type, 1)
      assert.deepEqual(lines.map((line) => line.split('\t')[0]), ['build', 'no-such-thing', 'node', 'build', ''])
      assert.match(lines[1], /\tERROR:\d*:/)
    }
    connection.close()
  })

  it('answers a default set to an empty request', async function () {
    const connection = await RawConnection.open(at.node.port)
    connection.send(frame(1, Buffer.alloc(0)))
    const answer = parseInfo((await connection.message()).body.toString())
    for (const name of ['node', 'statistics', 'features', 'version', 'edition', 'build']) assert.ok(name in answer, name)
    connection.close()
  })

  it('names the node, its build and what clients look for', async function () {
    assert.match(await ask('node'), /^[1-9A-F][0-9A-F]{0,15}$/)
    assert.match(await ask('build'), /^\d+\.\d+\.\d+\.\d+$/)
    assert.equal(await ask('status'), 'ok')
    const features = (await ask('features')).split(';')
    for (const word of ['pscans', 'query-show', 'batch-any', 'pquery', 'replicas', 'peers']) {
      assert.ok(features.includes(word), word)
    }
    assert.deepEqual((await ask('namespaces')).split(';').sort(), ['bar', 'test'])
  })

  it('claims all partitions of all namespaces for the only node', async function () {
    const answer = await at.node.info(['partition-generation', 'replicas', 'peers-clear-std', 'peers-generation'])
    assert.match(answer['partition-generation'], /^\d+$/)
    assert.match(answer['peers-clear-std'], new RegExp(`^${answer['peers-generation']},\\d+,\\[\\]$`))
    for (const entry of answer.replicas.split(';').filter(Boolean)) {
      const [, regime, count, ...maps] = entry.split(/[:,]/)
      assert.equal(regime, '0')
      assert.equal(maps.length, Number(count))
      assert.equal(maps[0], '/'.repeat(682) + '8=')
    }
  })

  it('counts what was done, for the namespace and the set', async function () {
    const before = parsePairs(await ask('namespace/test'))
    const keys = Array.from({ length: 10 }, () => newKey('counted'))
    for (const key of keys) await at.client.put(key, { a: 1 })
    for (const key of keys) await at.client.get(key)
    await at.client.get(newKey('counted')).catch(() => {})
    await at.client.remove(keys[0])
    const after = parsePairs(await ask('namespace/test'))
    const grew = (name) => Number(after[name]) - Number(before[name])
    assert.deepEqual(['client_write_success', 'client_read_success', 'client_read_not_found', 'client_delete_success',
      'objects'].map(grew), [10, 10, 1, 1, 9])
    const set = parsePairs((await ask('sets/test/counted')).replace(/;$/, ''), ':')
    assert.equal(set.objects, '9')
    assert.ok(Number(set.data_used_bytes) > 0)
    assert.match(await ask('sets'), /ns=test:set=counted:/)
  })

  it('tells the configuration and changes what may change', async function () {
    const name = 'get-config:context=namespace;id=test'
    assert.ok(Number(parsePairs(await ask(name))['nsup-period']) >= 0)
    assert.equal(await ask('set-config:context=namespace;id=test;default-ttl=7200'), 'ok')
    assert.equal(parsePairs(await ask(name))['default-ttl'], '7200')
    const key = newKey()
    await at.client.put(key, { a: 1 })
    const { ttl } = await at.client.get(key)
    assert.ok(ttl > 7190 && ttl <= 7200)
    assert.equal(await ask('set-config:context=namespace;id=test;default-ttl=0'), 'ok')
  })

  it('refuses to change what is fixed or unknown', async function () {
    for (const change of ['context=namespace;id=test;no-such-thing=1', 'context=nowhere;x=1',
      'context=namespace;id=nowhere;default-ttl=1', 'context=namespace;id=test;default-ttl=many']) {
      assert.match(await ask(`set-config:${change}`), /^ERROR:\d+:/, change)
    }
  })

  it('tells how long operations took', async function () {
    await at.client.put(newKey(), { a: 1 })
    assert.match(await ask('latencies:'), /\{test\}-write:(msec|usec),/)
  })

  it('is read by the official client', async function () {
    const parsed = Aerospike.info.parse(await at.client.infoAny('namespace/test\nstatistics\nsets'))
    assert.equal(typeof parsed['namespace/test'].objects, 'number')
    assert.equal(parsed.statistics.cluster_size, 1)
    assert.ok(parsed.statistics.client_connections >= 1)
  })

  it('answers plain lines on the telnet port', async function () {
    const text = await at.node.info('get-config:context=network')
    const port = Number(parsePairs(Object.values(text)[0])['info.port'])
    assert.ok(port > 0)
    const connection = await RawConnection.open(port)
    connection.send(Buffer.from('node\nnamespaces\n'))
    await connection.wait(() => (connection.buffer.toString().match(/\n/g) || []).length >= 2, 5000)
    const [node, namespaces] = connection.buffer.toString().split('\n')
    assert.equal(node, await ask('node'))
    assert.deepEqual(namespaces.split(';').sort(), ['bar', 'test'])
    connection.close()
  })
})
