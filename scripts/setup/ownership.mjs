// Under `sudo npm start` only the package manager needs root. Everything else is done as the user
// who called sudo, else node_modules and runs/ would be root's and the next plain call would fail.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { SetupFailure } from './failure.mjs';
import { inRoot, root, stampFile } from './paths.mjs';

const cmakeRoot = inRoot('.cmake');
const written = ['node_modules', '.cmake', 'build', 'dist', 'runs', 'prebuilds', 'coverage']
  .map((name) => inRoot(name))
  .concat(stampFile);

/** The user who called sudo, if the clone is theirs. */
function callerOfSudo() {
  if (process.getuid?.() !== 0 || !process.env.SUDO_UID) return undefined;
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID ?? uid);
  return uid !== 0 && fs.statSync(root).uid === uid ? { uid, gid } : undefined;
}

/** From here on this process and what it starts belong to the user; what root left is theirs again. */
export function becomeCallerOfSudo() {
  const caller = callerOfSudo();
  if (!caller) return;
  for (const name of written) {
    const owner = fs.statSync(name, { throwIfNoEntry: false })?.uid;
    // Inside the user's .cmake this run has put root's lock and logs.
    if (owner === 0 || (owner !== undefined && name === cmakeRoot)) {
      execFileSync('chown', ['-R', `${caller.uid}:${caller.gid}`, name]);
    }
  }
  process.initgroups(process.env.SUDO_USER ?? caller.uid, caller.gid);
  process.setgid(caller.gid);
  process.setuid(caller.uid);
  const { homedir, username } = os.userInfo();
  Object.assign(process.env, { HOME: homedir, USER: username, LOGNAME: username });
  delete process.env.npm_config_cache; // root's
}

/** Says which command helps before npm or the compiler fails with EACCES. */
export function requireWritable() {
  const blocked = [root, ...written].filter((name) => {
    if (!fs.existsSync(name)) return false;
    try {
      fs.accessSync(name, fs.constants.W_OK);
      return false;
    } catch {
      return true;
    }
  });
  if (blocked.length === 0) return;
  const { uid, gid } = os.userInfo();
  throw new SetupFailure(
    `This user may not write to ${blocked.join(', ')}. If an earlier run was root's, run\n` +
      `  sudo chown -R ${uid}:${gid} ${blocked.join(' ')}\nand repeat the command.`,
  );
}
