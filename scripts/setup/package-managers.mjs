// One row a package manager: how it is recognised, called, and what it calls the tools.
import { spawnSync } from 'node:child_process';

const managers = [
  {
    name: 'apt-get',
    // Images come without lists; another apt may be at work (a machine that just started).
    refresh: ['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'],
    install: 'apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends'.split(' '),
    environment: ['DEBIAN_FRONTEND=noninteractive'],
    packages: {
      compiler: ['g++'],
      make: ['make'],
      cmake: ['cmake'],
      openblas: ['libopenblas-pthread-dev'],
    },
  },
  {
    name: 'dnf',
    install: ['dnf', '-y', 'install'],
    packages: {
      compiler: ['gcc-c++', 'libstdc++-static'],
      make: ['make'],
      cmake: ['cmake'],
      openblas: ['openblas-devel'],
    },
  },
  {
    name: 'apk',
    install: ['apk', 'add', '--no-cache'],
    packages: { compiler: ['g++'], make: ['make'], cmake: ['cmake'], openblas: ['openblas-dev'] },
  },
  {
    name: 'pacman',
    refresh: ['pacman', '-Sy'],
    install: ['pacman', '-S', '--noconfirm', '--needed'],
    packages: { compiler: ['gcc'], make: ['make'], cmake: ['cmake'], openblas: ['openblas'] },
  },
  {
    name: 'brew',
    asUser: true, // refuses to run as root
    install: ['brew', 'install'],
    // The compiler and make are Apple's (xcode-select --install), BLAS is Accelerate.
    packages: { cmake: ['cmake'] },
  },
];

const isThere = (command) => !spawnSync(command, ['--version'], { stdio: 'ignore' }).error;

export function findPackageManager() {
  // apt-get exists on a Mac with fink, brew on Linux beside the system's own: the system's first.
  const order = process.platform === 'darwin' ? ['brew'] : managers.map(({ name }) => name);
  return managers.find(({ name }) => order.includes(name) && isThere(name));
}

/** The packages of the tools, and the tools that the manager does not have. */
export function packagesFor(manager, tools) {
  return {
    packages: tools.flatMap((tool) => manager.packages[tool] ?? []),
    unavailable: tools.filter((tool) => !manager.packages[tool]),
  };
}
