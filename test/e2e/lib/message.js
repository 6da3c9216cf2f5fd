// SPDX-License-Identifier: Apache-2.0
// Record messages by hand: what the official client cannot be made to send.
'use strict'

const { createHash } = require('node:crypto')
const { frame } = require('./raw')

function field (type, data) {
  const bytes = Buffer.from(data)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length + 1, 0)
  head.writeUInt8(type, 4)
  return Buffer.concat([head, bytes])
}

function operation (type, particle, name, value = Buffer.alloc(0)) {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(4 + name.length + value.length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt8(particle, 5)
  head.writeUInt8(name.length, 7)
  return Buffer.concat([head, Buffer.from(name), value])
}

// The digest of a string key; any 20 bytes would do for the server.
function digestOf (set, key) {
  return createHash('sha1').update(`${set}\u0003${key}`).digest()
}

function message ({ info1 = 0, info2 = 0, info3 = 0, ttl = 0, generation = 0, fields = [], operations = [] }) {
  const head = Buffer.alloc(22)
  head.writeUInt8(22, 0)
  head.writeUInt8(info1, 1)
  head.writeUInt8(info2, 2)
  head.writeUInt8(info3, 3)
  head.writeUInt32BE(generation, 6)
  head.writeUInt32BE(ttl, 10)
  head.writeUInt32BE(1000, 14)
  head.writeUInt16BE(fields.length, 18)
  head.writeUInt16BE(operations.length, 20)
  return frame(3, Buffer.concat([head, ...fields, ...operations]))
}

function keyFields (set, key, namespace = 'test') {
  return [field(0, namespace), field(1, set), field(4, digestOf(set, key))]
}

function put (set, key, text) {
  return message({ info2: 1, fields: keyFields(set, key), operations: [operation(2, 3, 'text', Buffer.from(text))] })
}

function get (set, key) {
  return message({ info1: 3, fields: keyFields(set, key) })
}

// The result code, and the text bin when there is one, of an answer's body.
function parseAnswer (body) {
  const answer = { code: body[5], generation: body.readUInt32BE(6) }
  if (body.readUInt16BE(20) > 0) answer.text = body.subarray(22 + 8 + body[22 + 7]).toString()
  return answer
}

module.exports = { field, get, keyFields, message, operation, parseAnswer, put }
