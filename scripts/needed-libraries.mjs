// The shared libraries an ELF file asks for that not every Linux with Node has.
import { execFileSync } from 'node:child_process';

// libgcc_s comes with what Node itself needs.
const everywhere = /^(libm|libgcc_s|libc|ld-linux[-\w]*|ld-musl[-\w]*|libc\.musl[-\w]*)\.so/;

export function neededLibraries(file) {
  const dynamic = execFileSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' });
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

export const foreignLibraries = (file) =>
  neededLibraries(file).filter((name) => !everywhere.test(name));
