import { isScalar, visit } from 'yaml';
import type { CST, Document, Pair } from 'yaml';

/** What each alias stands for: the last anchor of its name before it. */
export function aliasesOf(yaml: Document): Map<unknown, unknown> {
  const anchors = new Map<string, unknown>();
  const targets = new Map<unknown, unknown>();
  visit(yaml, {
    Alias: (_key, node) => void targets.set(node, anchors.get(node.source)),
    Value: (_key, node) => void (node.anchor === undefined || anchors.set(node.anchor, node)),
  });
  return targets;
}

/**
 * How deep collections nest. The composer recurses and takes the whole process down when the stack runs out, so this
 * is asked first, and without recursion.
 */
export function depthOf(tokens: readonly CST.Token[]): number {
  let deepest = 0;
  const open: { token: CST.Token | null | undefined; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    deepest = Math.max(deepest, depth);
    if (token == null) continue;
    if (token.type === 'document') open.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    for (const item of token.items) open.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
  }
  return deepest;
}

/** The key of a pair as text. */
export function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

/** Whether the pair is `<<: …`. */
export function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && pair.key.value === '<<' && pair.key.type === 'PLAIN';
}

/** Where in the text a node starts. */
export function offsetOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}
