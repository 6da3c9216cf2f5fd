// SPDX-License-Identifier: Apache-2.0
// Several hosts on one LAN, each a network namespace with an address of its own, under a bridge in
// the namespace that the test itself runs in (scripts/live-run makes that one). What is made here
// ends with the processes that hold it; nothing is seen outside.
'use strict'

const childProcess = require('node:child_process')

const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

function ip (...args) {
  childProcess.execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

class Host {
  constructor (number, holder) {
    this.number = number
    this.holder = holder
    this.address = `10.88.0.${10 + number}`
    this.port = `host${number}`
  }

  ip (...args) {
    childProcess.execFileSync('nsenter', ['-n', '-t', String(this.holder.pid), 'ip', ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  // Starts a program on this host.
  spawn (file, args, options) {
    const child = childProcess.spawn('nsenter',
      ['-n', '-t', String(this.holder.pid), '--', file, ...args], options)
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  // Gives the host another address; the one before is gone.
  readdress (address) {
    this.ip('addr', 'del', `${this.address}/24`, 'dev', 'eth0')
    this.address = address
    this.ip('addr', 'add', `${this.address}/24`, 'dev', 'eth0')
  }

  // Silence both ways, for everybody: the cable is out.
  cut () {
    ip('link', 'set', this.port, 'nomaster')
  }

  heal () {
    ip('link', 'set', this.port, 'master', 'lan')
  }

  // What this host sends to `other` is lost; the other direction stays.
  deafen (other) {
    this.ip('neigh', 'replace', other.address, 'lladdr', '02:00:00:00:00:01', 'dev', 'eth0', 'nud', 'permanent')
  }

  undeafen (other) {
    this.ip('neigh', 'del', other.address, 'dev', 'eth0')
  }
}

// The LAN with `count` hosts; ours is 10.88.0.1.
class Lan {
  static async make (count) {
    const lan = new Lan()
    lan.hosts = []
    ip('link', 'set', 'lo', 'up')
    ip('link', 'add', 'lan', 'type', 'bridge')
    ip('addr', 'add', '10.88.0.1/24', 'dev', 'lan')
    ip('link', 'set', 'lan', 'up')
    for (let i = 1; i <= count; i++) lan.hosts.push(await lan.host(i))
    return lan
  }

  async host (number) {
    const holder = childProcess.spawn('unshare', ['-n', 'sh', '-c', 'echo up; exec sleep infinity'],
      { stdio: ['ignore', 'pipe', 'inherit'] })
    running.add(holder)
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve)
      holder.once('exit', () => reject(new Error('a network namespace cannot be made')))
    })
    const host = new Host(number, holder)
    ip('link', 'add', host.port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid))
    ip('link', 'set', host.port, 'master', 'lan', 'up')
    host.ip('link', 'set', 'lo', 'up')
    host.ip('link', 'set', 'eth0', 'up')
    host.ip('addr', 'add', `${host.address}/24`, 'dev', 'eth0')
    return host
  }

  remove () {
    for (const host of this.hosts) {
      ip('link', 'del', host.port)
      host.holder.kill('SIGKILL')
      running.delete(host.holder)
    }
    ip('link', 'del', 'lan')
  }
}

module.exports = { Host, Lan }
