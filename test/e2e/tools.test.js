// SPDX-License-Identifier: Apache-2.0
// The operator's tools against a node, and against what the official client sees there.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Aerospike, codeOf, connect, nodeForSuite, status } = require('./lib/client')
const { BIN, freePorts, runBallast, runProgram, startNode } = require('./lib/node_process')

describe('the tools', function () {
  const at = nodeForSuite({ config: { namespaces: { test: [], bar: [] } } })
  let folder
  before(function () {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ballast-e2e-'))
  })
  after(function () {
    fs.rmSync(folder, { recursive: true, force: true })
  })
  const tool = (name, args, options) => runBallast([name, '-h', '127.0.0.1', '-p', String(at.node.port), ...args],
    { env: { HOME: folder }, ...options })

  describe('ql', function () {
    const ql = (command, ...args) => tool('ql', ['-c', command, ...args])
    const key = (name, set = 'demo') => new Aerospike.Key('test', set, name)

    it('inserts what the client reads', async function () {
      const { code, stdout } = await ql("insert into test.demo (PK, foo, bar, f) values ('key1', 123, 'abc', 1.5)")
      assert.equal(code, 0)
      assert.match(stdout, /^OK, 1 record affected\.$/m)
      assert.deepEqual((await at.client.get(key('key1'))).bins, { foo: 123, bar: 'abc', f: 1.5 })
    })

    it('selects what the client wrote, in the table people know', async function () {
      await at.client.put(key('key2'), { foo: 123, bar: 'abc' })
      const { stdout } = await ql("select foo, bar from test.demo where PK='key2'")
      assert.match(stdout, /^\+-+\+-+\+(-+\+)?\n\|.*foo.*\|.*\n\+[-+]+\n\|.*123.*"abc".*\|\n\+[-+]+\n1 row in set \(\d\.\d{3} secs\)\n\nOK\n/m)
    })

    it('stores lists, maps and GeoJSON from JSON', async function () {
      await ql('insert into test.demo (PK, l, m, g) values (7, LIST(\'[1, "two", [3]]\'), MAP(\'{"a": 1, "b": {"c": 2}}\'), ' +
        'GEOJSON(\'{"type":"Point","coordinates":[1.5,2.5]}\'))')
      const { bins } = await at.client.get(new Aerospike.Key('test', 'demo', 7))
      assert.deepEqual([bins.l, bins.m, JSON.parse(bins.g)],
        [[1, 'two', [3]], { a: 1, b: { c: 2 } }, { type: 'Point', coordinates: [1.5, 2.5] }])
      const { stdout } = await ql('select * from test.demo where PK=7')
      assert.match(stdout, /LIST\('\[1, "two", \[3\]\]'\)/)
      assert.match(stdout, /MAP\('\{"a":1, "b":\{"c":2\}\}'\)/)
    })

    it('reads a whole set, and no more than LIMIT', async function () {
      for (let i = 0; i < 30; i++) await at.client.put(key(`scan ${i}`, 'scanned'), { i })
      assert.match((await ql('select * from test.scanned')).stdout, /^30 rows in set/m)
      assert.match((await ql('select * from test.scanned limit 7')).stdout, /^7 rows in set/m)
    })

    it('deletes, and answers the code when there is nothing', async function () {
      await at.client.put(key('gone'), { a: 1 })
      assert.match((await ql("delete from test.demo where PK='gone'")).stdout, /^OK, 1 record affected\.$/m)
      assert.equal(await codeOf(at.client.get(key('gone'))), status.ERR_RECORD_NOT_FOUND)
      const { stdout, stderr } = await ql("select * from test.demo where PK='gone'")
      assert.match(stdout + stderr, /Error: \(2\)/)
    })

    it('truncates a set', async function () {
      await at.client.put(key('cut', 'cut'), { a: 1 })
      await ql('truncate test.cut')
      assert.equal(await at.client.exists(key('cut', 'cut')), false)
    })

    it('shows namespaces and sets', async function () {
      const { stdout } = await ql('show namespaces; show sets')
      assert.match(stdout, /"test"/)
      assert.match(stdout, /"bar"/)
      assert.match(stdout, /"demo"/)
    })

    it('writes JSON that a program can read', async function () {
      const { stdout } = await ql("select * from test.demo where PK='key1'", '-o', 'json')
      const [record, end] = JSON.parse(stdout.slice(stdout.indexOf('['))).flat()
      assert.equal(record.foo, 123)
      assert.equal(end.Status, 0)
    })

    it('runs a file, and what comes through a pipe', async function () {
      const file = path.join(folder, 'commands.aql')
      fs.writeFileSync(file, "insert into test.file (PK, a) values ('one', 1)\ninsert into test.file (PK, a) values ('two', 2)\n")
      const { code, stdout } = await tool('ql', ['-f', file])
      assert.equal(code, 0)
      assert.equal(stdout.match(/OK, 1 record affected\./g).length, 2)
      const piped = await tool('ql', [], { input: 'select * from test.file\n' })
      assert.match(piped.stdout, /2 rows in set/)
    })

    it('points at a mistake and goes on', async function () {
      const { stdout, stderr } = await ql("selct * from test.demo; insert into test.demo (PK, a) values ('after', 1)")
      assert.match(stdout + stderr, /selct/)
      assert.equal(await at.client.exists(key('after')), true)
    })

    it('says so when there is no node', async function () {
      const [port] = await freePorts(1)
      const { code, stdout, stderr } = await runBallast(['ql', '-p', String(port), '-c', 'show sets'], { env: { HOME: folder } })
      assert.notEqual(code, 0)
      assert.match(stdout + stderr, /127\.0\.0\.1/)
    })
  })

  describe('info', function () {
    it('prints what a node answers', async function () {
      const { code, stdout } = await tool('info', ['-v', 'namespaces'])
      assert.equal(code, 0)
      assert.deepEqual(stdout.trim().split(';').sort(), ['bar', 'test'])
      assert.equal((await tool('info', ['-v', 'status'])).stdout, 'ok\n')
    })

    it('prints a list with one item a line', async function () {
      const { stdout } = await tool('info', ['-v', 'namespace/test', '-l'])
      assert.match(stdout, /^objects=\d+$/m)
    })

    it('is asinfo when it is called so', async function () {
      const link = path.join(folder, 'asinfo')
      fs.symlinkSync(path.join(BIN, 'ballast'), link)
      const { stdout } = await runProgram(link, ['-p', String(at.node.port), '-v', 'build'])
      assert.match(stdout, /^\d+\.\d+\.\d+/)
    })
  })

  describe('health', function () {
    it('says yes to a node that serves', async function () {
      for (const question of ['--live', '--ready', '--cluster-stable']) {
        assert.equal((await tool('health', [question])).code, 0, question)
      }
      assert.equal((await tool('health', ['--cluster-stable', '--size', '1'])).code, 0)
    })

    it('says no to a cluster of another size', async function () {
      assert.equal((await tool('health', ['--cluster-stable', '--size', '3'])).code, 1)
    })

    it('says no when nobody is there', async function () {
      const [port] = await freePorts(1)
      assert.equal((await runBallast(['health', '--live', '-p', String(port)])).code, 1)
    })

    it('says that it was asked wrongly', async function () {
      assert.equal((await tool('health', ['--no-such-option'])).code, 2)
    })
  })

  describe('bench', function () {
    it('loads records that the client finds', async function () {
      const { code, stdout, stderr } = await tool('bench', ['-n', 'test', '-s', 'loaded', '-w', 'I', '-k', '500', '--json'])
      assert.equal(code, 0, stdout + stderr)
      const records = await at.client.scan('test', 'loaded', { nobins: true }).results()
      assert.equal(records.length, 500)
    })
  })
})

describe('the story of the first day', function () {
  it('is told: start a node, insert and select as aql does, read with a client, end the node', async function () {
    const node = await startNode({ plain: true })
    let exit
    try {
      const aql = (command) => runBallast(['ql', '-c', command], { env: { HOME: os.tmpdir() } })
      assert.match((await aql("insert into test.demo (PK, foo) values ('key1', 123)")).stdout, /OK, 1 record affected\./)
      assert.match((await aql("select * from test.demo where PK='key1'")).stdout, /\|.*123/)
      const client = await connect(node)
      assert.deepEqual((await client.get(new Aerospike.Key('test', 'demo', 'key1'))).bins, { foo: 123 })
      await client.close()
    } finally {
      exit = await node.stop()
    }
    assert.deepEqual(exit, { code: 0, signal: null })
  })
})
