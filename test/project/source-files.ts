// What the tests of the project itself read: the names of its files and what these import.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files below `folder` whose name fits, relative to it, with forward slashes; none if it is absent. */
export function filesBelow(folder: string, pattern: RegExp): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll(path.sep, '/'))
    .filter((name) => pattern.test(name))
    .sort();
}

export function read(name: string): string {
  return readFileSync(path.join(root, name), 'utf8');
}

export interface Import {
  readonly from: string;
  readonly to: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** By `import()`, when it is needed. */
  readonly lazy: boolean;
}

/** Imports and re-exports of one module; `to` is as written. */
export function importsOfModule(name: string): Import[] {
  const source = ts.createSourceFile(name, read(name), ts.ScriptTarget.Latest, false);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const isStatement = ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
    if (isStatement && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      found.push({ from: name, to: node.moduleSpecifier.text, typeOnly, lazy: false });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      if (target && ts.isStringLiteral(target)) {
        found.push({ from: name, to: target.text, typeOnly: false, lazy: true });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `#include "…"` and `#include <…>` of one C++ file. */
export function includesOf(name: string): { readonly to: string; readonly quoted: boolean }[] {
  return [...read(name).matchAll(/^\s*#\s*include\s+([<"])([^>"]+)[>"]/gm)].map(
    ([, mark, to = '']) => ({ to, quoted: mark === '"' }),
  );
}

/** The first cycle found, as a path that ends where it began; empty if there is none. */
export function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string[] => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle.length > 0) return cycle;
    }
    done.add(node);
    return [];
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

export function asGraph(pairs: Iterable<readonly [string, string]>): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of pairs) {
    if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  }
  return graph;
}
