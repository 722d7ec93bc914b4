// The software bill of materials, CycloneDX 1.6: what is inside the package, with the versions that
// were read from the binary and from what was bundled, and what npm installs beside it. The same
// inputs give the same bytes: no time, no random serial number.
import fs from 'node:fs';
import { gccVersion, openblasVersion } from './addon-file.mjs';
import { inRoot } from './setup/paths.mjs';

const readJson = (...names) => JSON.parse(fs.readFileSync(inRoot(...names), 'utf8'));
const moduleVersion = (name) => readJson('node_modules', name, 'package.json').version;

/** SPDX has an id for most licences, an expression for pairs. */
const licence = (text) =>
  / (AND|OR|WITH) /.test(text) ? { expression: text } : { license: { id: text } };

function component(name, version, licenseText, more = {}) {
  const purl = more.purl ?? `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const licenses = [licence(licenseText)];
  return { type: 'library', 'bom-ref': purl, name, version, licenses, ...more, purl };
}

/** Compiled into the addon. */
function inAddon(addon) {
  const openblas = openblasVersion(addon);
  const gcc = gccVersion(addon);
  if (openblas === undefined || gcc === undefined) {
    throw new Error(`sbom: ${addon} names no version of OpenBLAS or GCC: how was it built?`);
  }
  const inside = 'linked statically into prebuilds/';
  return [
    component('OpenBLAS', openblas, 'BSD-3-Clause', {
      purl: `pkg:github/OpenMathLib/OpenBLAS@v${openblas}`,
      description: `BLAS, and LAPACK (Reference-LAPACK, BSD-3-Clause-Open-MPI) within it; ${inside}`,
    }),
    component('libstdc++', gcc, 'GPL-3.0-or-later WITH GCC-exception-3.1', {
      purl: `pkg:generic/libstdc%2B%2B@${gcc}`,
      description: `the C++ library of GCC; ${inside}`,
    }),
    component('node-addon-api', moduleVersion('node-addon-api'), 'MIT', {
      description: 'headers, compiled into prebuilds/ and copied to native/vendor',
    }),
    component('node-api-headers', moduleVersion('node-api-headers'), 'MIT', {
      description: 'headers, compiled into prebuilds/ and copied to native/vendor',
    }),
  ];
}

/** Bundled into dist/vendor: each notice is headed by its packages, name@version. */
function inVendor() {
  const notices = fs.readFileSync(inRoot('dist', 'vendor', 'NOTICES.txt'), 'utf8');
  const heads = notices.split(/^-{80}$/m).map((notice) => notice.trim().split('\n', 1)[0]);
  const names = heads.flatMap((head) => head.split(', ')).sort();
  return names.map((each) => {
    const [, name, version] = /^(.+)@([^@]+)$/.exec(each);
    const description = 'bundled into dist/vendor; its licence is in dist/vendor/NOTICES.txt';
    return component(name, version, licenceOf(name, version), { description });
  });
}

function licenceOf(name, version) {
  const { packages } = readJson('package-lock.json');
  const found = Object.entries(packages).find(
    ([place, entry]) => place.endsWith(`node_modules/${name}`) && entry.version === version,
  );
  if (found !== undefined) return found[1].license;
  throw new Error(`sbom: the lock file knows no ${name}@${version}, which dist/vendor holds`);
}

/** What npm installs beside it: the versions that it was tested with. */
function besideIt() {
  const { packages } = readJson('package-lock.json');
  return Object.entries(packages)
    .filter(([place, entry]) => place !== '' && !entry.dev && !entry.devOptional && !entry.peer)
    .map(([place, { version, license }]) =>
      component(
        place.replace(/^.*node_modules\//, ''),
        version,
        license.replace(/^\((.*)\)$/, '$1'),
        {
          scope: 'required',
          description: 'installed by npm; the version that was tested',
        },
      ),
    );
}

const embedded = [
  component('Optical Recognition of Handwritten Digits', '1998', 'CC-BY-4.0', {
    type: 'data',
    purl: 'pkg:generic/uci-optical-recognition-of-handwritten-digits@1998',
    description: 'data set of UCI, embedded in dist/data, doi:10.24432/C50P49',
  }),
  component('onnx.proto3', '1', 'Apache-2.0', {
    purl: 'pkg:github/onnx/onnx',
    description: 'the description of ONNX files, from which dist/onnx/onnx_pb.js is generated',
  }),
];

/** @param addon the prebuilt addon */
export function writeSbom({ addon, target }) {
  const { name, version, license, dependencies } = readJson('package.json');
  const inside = [...inAddon(addon), ...inVendor(), ...embedded];
  const beside = besideIt();
  const subject = component(name, version, license);
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: subject },
    components: [...inside, ...beside],
    dependencies: [
      {
        ref: subject['bom-ref'],
        dependsOn: [
          ...inside.map((each) => each['bom-ref']),
          ...beside.filter((each) => each.name in dependencies).map((each) => each['bom-ref']),
        ],
      },
    ],
  };
  fs.writeFileSync(target, `${JSON.stringify(bom, null, 1)}\n`);
}
