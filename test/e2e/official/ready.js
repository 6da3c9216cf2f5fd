// SPDX-License-Identifier: Apache-2.0
// The suite's own first hook asks the node for its build and features, but does not wait for the answer,
// on which the skipping of cases depends. Run beside it, this hook waits.
'use strict'

const path = require('node:path')
const helper = require(path.join(process.cwd(), 'test', 'test_helper.js'))

before(async function () {
  this.timeout(15000)
  while (!helper.cluster.build || !helper.cluster.namespaceInfo) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
})
