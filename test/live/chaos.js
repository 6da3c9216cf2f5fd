// SPDX-License-Identifier: Apache-2.0
// Faults at random on a live cluster under load, for MINUTES (10): kill, pause, cut off, half cut off,
// leave, join. One node at a time is in trouble, and the next only when the data has healed, so that
// no acknowledged write may be lost. Prints a table of faults with the time each took to recover.
'use strict'

const { Cluster } = require('./lib/cluster')
const { History } = require('./lib/history')
const { delay } = require('../e2e/lib/node_process')

const minutes = Number(process.env.MINUTES || 10)
const nodes = Number(process.env.NODES || 5)
let seed = Number(process.env.SEED || Date.now() % 1000000)
const table = []

function random (below) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >> 8) % below
}

const faults = {
  async kill (victim) {
    await victim.kill()
    return async () => victim.start()
  },
  async pause (victim) {
    victim.pause()
    return async () => victim.resume()
  },
  async blink (victim) { // shorter than the timeout
    victim.pause()
    await delay(300 + random(900))
    victim.resume()
    return async () => {}
  },
  async cut (victim) {
    victim.host.cut()
    return async () => victim.host.heal()
  },
  async flap (victim) {
    for (let i = 0; i < 5; i++) {
      victim.host.cut()
      await delay(50 + random(400))
      victim.host.heal()
      await delay(50 + random(400))
    }
    return async () => {}
  },
  async deaf (victim, other) { // one-way
    victim.host.deafen(other.host)
    return async () => victim.host.undeafen(other.host)
  },
  async apart (victim, other) { // both ways, the others see both
    victim.host.deafen(other.host)
    other.host.deafen(victim.host)
    return async () => {
      victim.host.undeafen(other.host)
      other.host.undeafen(victim.host)
    }
  },
  async leave (victim) {
    const exit = await victim.stop()
    if (exit.code !== 0) throw new Error(`${victim.name} ended with ${JSON.stringify(exit)}`)
    return async () => victim.start()
  }
}

async function main () {
  console.log(`chaos: ${nodes} nodes, replication factor 2, ${minutes} minutes, SEED=${seed}`)
  const cluster = await Cluster.make({ hosts: nodes, replicationFactor: 2 })
  const history = new History({ keys: 3000, clients: 24, pauseMs: 2 })
  let failed = false
  try {
    await history.connect(cluster.nodes.map((node) => node.host.address))
    history.start()
    const end = performance.now() + minutes * 60000
    const names = Object.keys(faults)
    while (performance.now() < end && history.findings.length === 0) {
      const name = names[random(names.length)]
      const victim = cluster.nodes[random(nodes)]
      const other = cluster.nodes[(cluster.nodes.indexOf(victim) + 1 + random(nodes - 1)) % nodes]
      const row = { fault: name, node: victim.name, failures: -history.failures.length }
      const at = performance.now()
      const mend = await faults[name](victim, other)
      const gone = name !== 'leave' && name !== 'blink' && name !== 'flap'
      if (gone && name !== 'deaf' && name !== 'apart') {
        const rest = cluster.nodes.filter((node) => node !== victim)
        row.map_ms = Math.round(await cluster.untilCovered(rest, at))
        await cluster.untilSettled(rest)
        row.healed_ms = Math.round(performance.now() - at)
      }
      await delay(random(2000))
      const back = performance.now()
      await mend()
      await cluster.untilFormed(cluster.nodes, 30000)
      row.rejoined_ms = Math.round(performance.now() - back)
      await cluster.untilSettled(cluster.nodes)
      row.settled_ms = Math.round(performance.now() - back)
      row.last_failed_write_ms = Math.round(history.lastFailureMs(at))
      row.failures += history.failures.length
      table.push(row)
    }
    await history.stop()
    await history.verify()
    await cluster.untilSettled()
    const different = await cluster.untilEqual()
    console.table(table)
    console.log(`${table.length} faults, ${history.writes} acknowledged writes, ${history.reads} reads, ` +
      `${history.failures.length} failed calls, ${history.late} writes in doubt that took effect late`)
    console.log(`${history.findings.length} acknowledged writes lost or stale, ${different.length} partitions whose copies differ`)
    for (const finding of history.findings.slice(0, 10)) console.log(JSON.stringify(finding))
    for (const partition of different.slice(0, 5)) console.log(JSON.stringify(partition))
    failed = history.findings.length > 0 || different.length > 0
  } catch (error) {
    failed = true
    console.table(table)
    console.log(error)
    for (const node of cluster.nodes) console.log(`--- ${node.name}\n${node.output.slice(-2000)}`)
    await history.stop()
  } finally {
    await history.close()
    await cluster.remove()
  }
  console.log(`${failed ? 0 : 1} passed, ${failed ? 1 : 0} failed`)
  process.exit(failed ? 1 : 0)
}

main()
