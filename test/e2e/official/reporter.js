// SPDX-License-Identifier: Apache-2.0
// A mocha reporter that writes one JSON line for each thing that happens, to the file RESULTS_FILE
// names. Lines are written at once, so that a run that dies tells how far it came: first a
// line for each case that there is, then a line for each result.
'use strict'

const fs = require('node:fs')

module.exports = class LineReporter {
  constructor (runner) {
    const file = fs.openSync(process.env.RESULTS_FILE, 'a')
    const write = (line) => fs.writeSync(file, JSON.stringify(line) + '\n')
    const seen = new Map()
    const names = new Map()
    const pattern = new RegExp(process.env.RESULTS_GREP || '')

    // Two cases of one title get different names: the second ends in « #2».
    const name = (test) => {
      if (!names.has(test)) {
        const title = test.fullTitle().replace(/\s+/g, ' ').trim()
        const count = (seen.get(title) || 0) + 1
        seen.set(title, count)
        names.set(test, count === 1 ? title : `${title} #${count}`)
      }
      return names.get(test)
    }
    const each = (suite) => {
      suite.tests.forEach((test) => {
        if (pattern.test(test.fullTitle())) write({ kind: 'case', name: name(test), title: test.fullTitle() })
      })
      suite.suites.forEach(each)
    }

    runner.once('start', () => each(runner.suite))
    runner.on('pass', (test) => write({ kind: 'passed', name: name(test), ms: test.duration }))
    runner.on('pending', (test) => write({ kind: 'pending', name: name(test) }))
    runner.on('fail', (test, error) => {
      const what = String((error && (error.message || error.code)) || error).split('\n')[0].slice(0, 300)
      const kind = test.type === 'hook' ? 'hook' : 'failed'
      const titles = []
      if (kind === 'hook') {
        // All that hangs below the hook's suite does not run; a failed "each" hook ends its suite too.
        const collect = (suite) => {
          suite.tests.forEach((t) => titles.push(name(t)))
          suite.suites.forEach(collect)
        }
        collect(test.parent)
      }
      write({ kind, name: kind === 'hook' ? test.fullTitle() : name(test), error: what, titles })
    })
    runner.once('end', () => write({ kind: 'end' }))
  }
}
