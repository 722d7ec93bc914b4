// A registry on loopback that knows one package and sends npm elsewhere for all others. It answers
// as registries do, with abbreviated metadata: these lack `gypfile`, and npm behaves otherwise.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

const abbreviated = ['name', 'version', 'dependencies', 'peerDependencies', 'peerDependenciesMeta']
  .concat(['optionalDependencies', 'bin', 'engines', 'os', 'cpu', 'libc'])
  .concat('bundleDependencies');

export async function serveTarball(file, upstream) {
  const tarball = fs.readFileSync(file);
  const listed = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n');
  const text = execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' });
  const manifest = JSON.parse(text);
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;

  const server = http.createServer((request, response) => {
    const { port } = server.address();
    if (request.url === '/tarball.tgz') return response.end(tarball);
    if (request.url !== `/${manifest.name}`) {
      const base = upstream.endsWith('/') ? upstream : `${upstream}/`;
      response.writeHead(302, { location: new URL(request.url.slice(1), base).href });
      return response.end();
    }
    const version = Object.fromEntries(abbreviated.map((key) => [key, manifest[key]]));
    // The registry itself marks a package with a root *.gyp as one with an install script.
    version.hasInstallScript =
      listed.some((name) => /^package\/[^/]+\.gyp$/.test(name)) || undefined;
    version.dist = { tarball: `http://127.0.0.1:${port}/tarball.tgz`, integrity };
    response.setHeader('content-type', 'application/vnd.npm.install-v1+json');
    response.end(
      JSON.stringify({
        name: manifest.name,
        'dist-tags': { latest: manifest.version },
        versions: { [manifest.version]: version },
      }),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => server.close() && server.closeAllConnections(),
  };
}
