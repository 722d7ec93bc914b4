// Apart from ../setup.cjs because `import()` is a syntax error in Node 8.
'use strict';

import('./main.mjs').then((setup) => setup.main(process.argv.slice(2)));
