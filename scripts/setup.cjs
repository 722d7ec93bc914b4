// The door of the set-up: `node scripts/setup.cjs [--then command …]`.
// ES5 and CommonJS, so that a Node of any age parses it and can say which Node is needed.
'use strict';

var fs = require('fs');
var path = require('path');

var manifest = path.join(__dirname, '..', 'package.json');
var needed = JSON.parse(fs.readFileSync(manifest, 'utf8')).engines.node.replace(/[^0-9.]/g, '');

function parts(version) {
  return version
    .replace(/^v/, '')
    .split(/[.-]/)
    .map(function (part) {
      return parseInt(part, 10) || 0;
    });
}

function isOlder(version, other) {
  var a = parts(version);
  var b = parts(other);
  for (var i = 0; i < 3; i += 1) {
    if (a[i] !== b[i]) return a[i] < b[i];
  }
  return false;
}

if (isOlder(process.version, needed)) {
  var message = [
    'eigenscape needs Node ≥ ' + needed.replace(/\.0$/, '') + ', this is ' + process.version + '.',
    'Install a newer one (https://nodejs.org, or `nvm install 20`) and repeat the command.',
  ];
  console.error(message.join(' '));
  process.exitCode = 1;
} else {
  require('./setup/enter.cjs');
}
