// Installs what the machine lacks if this process may, else says the one command that does.
import { spawnSync } from 'node:child_process';
import { run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { findPackageManager, packagesFor } from './package-managers.mjs';
import { missingTools, toolNames } from './toolchain.mjs';

const list = (tools) => tools.map((tool) => toolNames[tool]).join(', ');

/** What to put before a command: nothing as root, sudo if it asks no password, else undefined. */
function privilege(manager) {
  const isRoot = process.getuid?.() === 0;
  if (manager.asUser) return isRoot ? undefined : [];
  if (isRoot) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return sudo.status === 0 ? ['sudo', '-n'] : undefined;
}

function commandForUser(manager, packages) {
  const sudo = manager.asUser ? '' : 'sudo ';
  const plain = (words) => sudo + words.filter((word) => !/^-(q|o)$|Timeout/.test(word)).join(' ');
  const install = plain([...manager.install, ...packages]);
  return manager.refresh ? `${plain(manager.refresh)} && ${install}` : install;
}

export async function installSystemPackages(say) {
  const missing = missingTools();
  if (missing.length === 0) return;
  const manager = findPackageManager();
  if (!manager) {
    throw new SetupFailure(
      `Missing: ${list(missing)}. No package manager that I know (apt-get, dnf, apk, pacman, brew)` +
        ' is here: install these and repeat the command.',
    );
  }
  const { packages, unavailable } = packagesFor(manager, missing);
  if (unavailable.length > 0) {
    throw new SetupFailure(
      `Missing: ${list(unavailable)}. Run\n  xcode-select --install\nand repeat the command.`,
    );
  }
  const before = privilege(manager);
  if (!before) {
    throw new SetupFailure(
      `Missing: ${list(missing)}. Run\n  ${commandForUser(manager, packages)}\n` +
        'and repeat the command.',
    );
  }

  say(`installing ${packages.join(' ')} with ${manager.name}`);
  const call = (name, words) => {
    const [command, ...args] = [...before, 'env', ...(manager.environment ?? []), ...words];
    const hint = 'By hand: ' + commandForUser(manager, packages);
    return run(name, command, args, { hint });
  };
  if (manager.refresh) {
    // A single broken source must not stop what the others can provide.
    await call(`${manager.name}-refresh`, manager.refresh).catch(() => {
      say(`the lists of ${manager.name} could not be refreshed; trying with those here`);
    });
  }
  await call(manager.name, [...manager.install, ...packages]);

  const still = missingTools();
  if (still.length > 0) {
    throw new SetupFailure(
      `${manager.name} installed ${packages.join(' ')}, yet these are still missing: ${list(still)}.` +
        ' This system is too old for them: install newer ones (CXX names a compiler) and repeat' +
        ' the command.',
    );
  }
}
