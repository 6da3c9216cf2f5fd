// SPDX-License-Identifier: Apache-2.0
// The protocols by hand, for what no official client sends: info requests and raw bytes.
'use strict'

const net = require('node:net')

// One proto message: version 2, the type, the length in 48 bits, the body.
function frame (type, body) {
  const head = Buffer.alloc(8)
  head.writeUInt8(2, 0)
  head.writeUInt8(type, 1)
  head.writeUIntBE(body.length, 2, 6)
  return Buffer.concat([head, body])
}

// A connection that hands out whole proto messages.
class RawConnection {
  constructor (socket) {
    this.socket = socket
    this.buffer = Buffer.alloc(0)
    this.closed = false
    this.waiters = []
    socket.on('data', (chunk) => {
      this.buffer = Buffer.concat([this.buffer, chunk])
      this.wake()
    })
    const end = () => {
      this.closed = true
      this.wake()
    }
    socket.on('close', end)
    socket.on('end', end)
    socket.on('error', end)
  }

  static open (port, host = '127.0.0.1') {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host })
      socket.setNoDelay(true)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawConnection(socket))
      })
    })
  }

  wake () {
    this.waiters.splice(0).forEach((waiter) => waiter())
  }

  send (bytes) {
    this.socket.write(bytes)
  }

  async wait (ready, msMax) {
    const end = Date.now() + msMax
    while (!ready()) {
      const left = end - Date.now()
      if (left <= 0) throw new Error('no answer in time')
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left)
        this.waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  // The next message as { type, body }; null when the peer closed first.
  async message (msMax = 5000) {
    const size = () => this.buffer.length < 8 ? Infinity : 8 + this.buffer.readUIntBE(2, 6)
    await this.wait(() => this.closed || this.buffer.length >= size(), msMax)
    if (this.buffer.length < size()) return null
    const end = size()
    const message = { type: this.buffer[1], body: this.buffer.subarray(8, end) }
    this.buffer = this.buffer.subarray(end)
    return message
  }

  async untilClosed (msMax = 5000) {
    await this.wait(() => this.closed, msMax)
  }

  close () {
    this.socket.destroy()
  }
}

// Asks `names` (a string or a list) of the node on `port`; returns { name: value }.
async function infoRequest (port, names, { msMax = 5000, host = '127.0.0.1' } = {}) {
  const list = [].concat(names)
  const connection = await RawConnection.open(port, host)
  try {
    connection.send(frame(1, Buffer.from(list.map((name) => `${name}\n`).join(''))))
    const message = await connection.message(msMax)
    if (!message) throw new Error('the node closed the connection instead of answering')
    return parseInfo(message.body.toString())
  } finally {
    connection.close()
  }
}

function parseInfo (text) {
  const answer = {}
  for (const line of text.split('\n')) {
    if (line === '') continue
    const tab = line.indexOf('\t')
    if (tab < 0) answer[line] = ''
    else answer[line.slice(0, tab)] = line.slice(tab + 1)
  }
  return answer
}

// 'a=1;b=2' as { a: '1', b: '2' }; with another separator for 'a=1:b=2'.
function parsePairs (text, separator = ';') {
  return Object.fromEntries(text.split(separator).filter(Boolean).map((pair) => {
    const at = pair.indexOf('=')
    return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
  }))
}

module.exports = { RawConnection, frame, infoRequest, parseInfo, parsePairs }
