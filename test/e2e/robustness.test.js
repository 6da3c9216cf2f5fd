// SPDX-License-Identifier: Apache-2.0
// Clients that misbehave, and clients in a hurry: nobody else may notice.
'use strict'

const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { newKey, nodeForSuite, status } = require('./lib/client')
const { RawConnection, frame } = require('./lib/raw')
const { field, get, keyFields, message, operation, parseAnswer, put } = require('./lib/message')
const { until } = require('./lib/node_process')

describe('a node', function () {
  const at = nodeForSuite({ config: { service: ['proto-fd-max 2000'] } })
  const open = () => RawConnection.open(at.node.port)

  async function stillServes () {
    const key = newKey()
    await at.client.put(key, { a: 1 })
    assert.deepEqual((await at.client.get(key)).bins, { a: 1 })
  }

  describe('whose client sends many requests before it reads', function () {
    it('answers all of them in order', async function () {
      const connection = await open()
      const count = 2000
      const requests = []
      for (let i = 0; i < count; i++) requests.push(put('pipe', `key ${i}`, `value ${i}`), get('pipe', `key ${i}`))
      connection.send(Buffer.concat(requests))
      for (let i = 0; i < count; i++) {
        assert.equal(parseAnswer((await connection.message()).body).code, 0)
        assert.equal(parseAnswer((await connection.message()).body).text, `value ${i}`)
      }
      connection.close()
    })

    it('answers requests that arrive byte by byte', async function () {
      const connection = await open()
      for (const byte of Buffer.concat([put('pipe', 'slow', 'bytes'), get('pipe', 'slow')])) {
        connection.send(Buffer.from([byte]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(parseAnswer((await connection.message()).body).code, 0)
      assert.equal(parseAnswer((await connection.message()).body).text, 'bytes')
      connection.close()
    })
  })

  it('answers compressed requests', async function () {
    const connection = await open()
    const text = 'x'.repeat(5000)
    const inner = put('zipped', 'key', text)
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(inner.length))
    connection.send(frame(4, Buffer.concat([size, zlib.deflateSync(inner)])))
    assert.equal(parseAnswer((await connection.message()).body).code, 0)
    connection.send(get('zipped', 'key'))
    assert.equal(parseAnswer((await connection.message()).body).text, text)
    connection.close()
  })

  describe('whose client sends garbage', function () {
    const nonsense = {
      'a wrong version': Buffer.from([9, 3, 0, 0, 0, 0, 0, 22]),
      'a wrong type': Buffer.from([2, 9, 0, 0, 0, 0, 0, 22]),
      'a length of 2 GB': Buffer.from([2, 3, 0, 0, 0x80, 0, 0, 0]),
      'a length of 255 TB': Buffer.from([2, 3, 255, 255, 255, 255, 255, 255]),
      'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n'),
      'a compressed message that is none': frame(4, Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]), Buffer.from('no zlib')])),
      'a compressed message that claims 100 TB': frame(4, Buffer.concat([Buffer.from([0, 0, 0x60, 0, 0, 0, 0, 0]), zlib.deflateSync(Buffer.alloc(100))]))
    }
    for (const [name, bytes] of Object.entries(nonsense)) {
      it(`closes the connection on ${name} and serves the others`, async function () {
        const connection = await open()
        connection.send(bytes)
        await connection.untilClosed()
        await stillServes()
      })
    }

    const broken = {
      'fields that reach past the end': message({ info1: 3, fields: [Buffer.from([0, 1, 0, 0, 0, 65])] }),
      'more fields than there are': (() => {
        const bytes = get('demo', 'x')
        bytes.writeUInt16BE(60000, 8 + 18)
        return bytes
      })(),
      'a digest of 3 bytes': message({ info1: 3, fields: [field(0, 'test'), field(4, 'abc')] }),
      'an operation nobody knows': message({ info2: 1, fields: keyFields('demo', 'x'), operations: [operation(99, 3, 'a')] }),
      'a bin name that is too long': message({ info2: 1,
        fields: keyFields('demo', 'x'),
        operations: [operation(2, 3, 'sixteen-letters!', Buffer.from('v'))] }),
      'an integer of 3 bytes': message({ info2: 1, fields: keyFields('demo', 'x'), operations: [operation(2, 1, 'a', Buffer.alloc(3))] }),
      'a write without operations': message({ info2: 1, fields: keyFields('demo', 'x') }),
      'no namespace': message({ info1: 3, fields: [field(4, Buffer.alloc(20))] })
    }
    for (const [name, bytes] of Object.entries(broken)) {
      it(`answers an error to ${name}, or closes, and serves the others`, async function () {
        const connection = await open()
        connection.send(bytes)
        const answer = await connection.message()
        if (answer) assert.notEqual(parseAnswer(answer.body).code, 0)
        connection.close()
        await stillServes()
      })
    }

    it('survives a thousand random messages', async function () {
      let seed = 7
      const random = (below) => {
        seed = (seed * 1103515245 + 12345) % 2147483648
        return seed % below
      }
      for (let i = 0; i < 1000; i++) {
        const body = Buffer.from(random(2) ? put('demo', `r${i}`, 'random').subarray(8) : get('demo', 'r').subarray(8))
        for (let flips = 1 + random(8); flips > 0; flips--) body[random(body.length)] = random(256)
        const connection = await open()
        connection.send(frame(3, body))
        connection.socket.end()
        await connection.untilClosed()
        connection.close()
      }
      await stillServes()
    })
  })

  it('drops a client that leaves in the middle of a message', async function () {
    const bytes = put('demo', 'half', 'never written')
    const connection = await open()
    connection.send(bytes.subarray(0, bytes.length - 5))
    await stillServes()
    connection.close()
    const check = await open()
    check.send(get('demo', 'half'))
    assert.equal(parseAnswer((await check.message()).body).code, status.ERR_RECORD_NOT_FOUND)
    check.close()
  })

  it('serves others while a client never reads its answers', async function () {
    const connection = await open()
    connection.send(put('lazy', 'key', 'v'.repeat(500000)))
    await connection.message()
    connection.socket.pause()
    connection.send(Buffer.concat(Array.from({ length: 400 }, () => get('lazy', 'key'))))
    for (let i = 0; i < 20; i++) await stillServes()
    connection.socket.resume()
    for (let i = 0; i < 400; i++) assert.equal((await connection.message()).body[5], 0)
    connection.close()
  })

  it('serves the old connections when there are too many new ones, and new ones afterwards', async function () {
    this.timeout(30000)
    const many = []
    for (let i = 0; i < 2500; i += 100) {
      many.push(...await Promise.all(Array.from({ length: 100 }, () => open().catch(() => null))))
    }
    await stillServes()
    many.forEach((connection) => connection && connection.close())
    await until('a new connection is served', () => at.node.info('status').then((a) => a.status === 'ok', () => false))
    await stillServes()
  })

  it('closes no connection on an unsupported operation', async function () {
    const connection = await open()
    const listAppend = operation(4, 4, 'list', Buffer.from([0x92, 0x01, 0x01]))
    connection.send(message({ info2: 1, fields: keyFields('demo', 'list'), operations: [listAppend] }))
    await connection.message()
    connection.send(put('demo', 'after', 'fine'))
    assert.equal(parseAnswer((await connection.message()).body).code, 0)
    connection.close()
  })
})
