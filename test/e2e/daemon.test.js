// SPDX-License-Identifier: Apache-2.0
// ballastd as an operator starts it: with nothing, with a file, with variables, and wrongly.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { connect, newKey } = require('./lib/client')
const { BIN, configText, freePorts, runProgram, startNode } = require('./lib/node_process')
const { parsePairs } = require('./lib/raw')

const run = (args, options) => runProgram(path.join(BIN, 'ballastd'), args, options)

describe('ballastd', function () {
  let folder
  before(function () {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ballast-e2e-'))
  })
  after(function () {
    fs.rmSync(folder, { recursive: true, force: true })
  })

  function write (text, name = 'node.conf') {
    const file = path.join(folder, name)
    fs.writeFileSync(file, text)
    return file
  }

  async function withNode (options, body) {
    const node = await startNode(options)
    try {
      await body(node)
    } finally {
      const exit = await node.stop()
      assert.deepEqual(exit, { code: 0, signal: null }, node.output)
    }
  }

  async function storesAndReads (node, namespace = 'test') {
    const client = await connect(node)
    try {
      const key = newKey('demo', namespace)
      await client.put(key, { a: 1 }, { ttl: 100 })
      assert.deepEqual((await client.get(key)).bins, { a: 1 })
    } finally {
      await client.close()
    }
  }

  // The addresses of /proc/net/tcp and tcp6 that listen on a port, in the form of those files.
  function listening (port) {
    const hex = ':' + port.toString(16).toUpperCase().padStart(4, '0')
    return ['tcp', 'tcp6'].flatMap((name) => fs.readFileSync(`/proc/net/${name}`, 'utf8').split('\n'))
      .map((line) => line.trim().split(/\s+/)).filter((f) => f[3] === '0A' && f[1].endsWith(hex))
      .map((f) => f[1].slice(0, -5))
  }

  it('serves namespace test on port 3000 when it is told nothing, and ends with 0', async function () {
    await withNode({ plain: true }, async (node) => {
      assert.deepEqual(await node.info('namespaces'), { namespaces: 'test' })
      await storesAndReads(node)
      // On loopback alone, unless it finds itself in a container, where that would be of no use.
      const addresses = listening(3000)
      const { stdout } = await run(['--print-config'])
      const anywhere = /network \{\s+service \{[^}]*\saddress any/.test(stdout)
      assert.deepEqual(addresses, [anywhere ? '0'.repeat(32) : '0100007F'])
    })
  })

  it('keeps its word about each namespace of its file', async function () {
    const namespaces = { one: ['default-ttl 100'], two: ['default-ttl 1h', 'nsup-period 10'] }
    await withNode({ config: { namespaces } }, async (node) => {
      for (const [name, ttl] of [['one', '100'], ['two', '3600']]) {
        const [value] = Object.values(await node.info(`get-config:context=namespace;id=${name}`))
        assert.equal(parsePairs(value)['default-ttl'], ttl)
      }
      await storesAndReads(node, 'two')
    })
  })

  it('follows the environment, and the command line before that', async function () {
    const ports = await freePorts(4)
    const env = { BALLAST_DEFAULT_TTL: '77', DEFAULT_TTL: '66', NAMESPACE: 'mine' }
    const args = ['service.port', 'fabric.port', 'heartbeat.port', 'info.port']
      .flatMap((name, i) => ['--set', `network.${name}=${ports[i]}`])
    await withNode({ plain: true, port: ports[0], env, args }, async (node) => {
      assert.deepEqual(await node.info('namespaces'), { namespaces: 'mine' })
      const [value] = Object.values(await node.info('get-config:context=namespace;id=mine'))
      assert.equal(parsePairs(value)['default-ttl'], '77')
    })
  })

  it('tells its version and its options', async function () {
    const version = await run(['--version'])
    assert.equal(version.code, 0)
    assert.match(version.stdout, /\d+\.\d+\.\d+/)
    const help = await run(['--help'])
    assert.equal(help.code, 0)
    for (const option of ['--config-file', '--check-config', '--print-config', '--version']) {
      assert.ok(help.stdout.includes(option), option)
    }
  })

  it('checks a configuration without starting', async function () {
    const good = write(configText([3000, 3001, 3002, 3003]), 'good.conf')
    assert.equal((await run(['--check-config', '--config-file', good])).code, 0)
  })

  it('prints what holds and where it comes from', async function () {
    const file = write(configText([3500, 3001, 3002, 3003], { namespaces: { mine: ['default-ttl 99'] } }), 'print.conf')
    const { code, stdout } = await run(['--print-config', '--config-file', file])
    assert.equal(code, 0)
    assert.match(stdout, /3500/)
    assert.match(stdout, /default-ttl[ =]+99.*print\.conf/)
  })

  describe('does not start with a configuration that is wrong, and says where', function () {
    const good = configText([3000, 3001, 3002, 3003])
    const wrong = {
      'an unknown directive': good.replace('replication-factor 1', 'replication-factor 1\n    no-such-thing 7'),
      'a value that is no number': good.replace('port 3000', 'port many'),
      'a port out of range': good.replace('port 3000', 'port 70000'),
      'a block that is not closed': good.replace(/}\s*$/, ''),
      'an engine that there is not': good.replace('storage-engine memory', 'storage-engine paper')
    }
    for (const [name, text] of Object.entries(wrong)) {
      it(name, async function () {
        const file = write(text, 'wrong.conf')
        for (const args of [['--check-config', '--config-file', file], ['--config-file', file]]) {
          const { code, stdout, stderr } = await run(args, { msMax: 5000 })
          assert.notEqual(code, 0)
          assert.notEqual(code, null)
          assert.match(stdout + stderr, /wrong\.conf:\d+|line \d+/)
        }
      })
    }

    it('a file that is not there', async function () {
      const { code, stdout, stderr } = await run(['--config-file', path.join(folder, 'nothing.conf')])
      assert.notEqual(code, 0)
      assert.match(stdout + stderr, /nothing\.conf/)
    })

    it('an option that there is not', async function () {
      const { code, stdout, stderr } = await run(['--no-such-option'])
      assert.notEqual(code, 0)
      assert.match(stdout + stderr, /no-such-option/)
    })
  })

  it('says which port is taken', async function () {
    await withNode({}, async (node) => {
      const ports = await freePorts(3)
      const file = write(configText([node.port, ...ports]), 'taken.conf')
      const { code, stdout, stderr } = await run(['--config-file', file], { msMax: 5000 })
      assert.notEqual(code, 0)
      assert.notEqual(code, null)
      assert.match(stdout + stderr, new RegExp(String(node.port)))
    })
  })
})
