import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { packageRoot } from '../src/lib/package-root.js';

/** The texts of a source file, each with its line: literals and templates, but not those of a tag, which are scripts and commands. */
function textsOf(file: string): { at: string; text: string }[] {
  const source = ts.createSourceFile(file, readFileSync(join(packageRoot(), file), 'utf8'), ts.ScriptTarget.Latest, true);
  const texts: { at: string; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
    if (isText && !ts.isTaggedTemplateExpression(node.parent)) {
      texts.push({ at: `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`, text: node.getText() });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

const TEXTS = ['src', 'roles']
  .flatMap((top) => readdirSync(join(packageRoot(), top), { recursive: true, encoding: 'utf8' }).map((name) => join(top, name)))
  .filter((name) => name.endsWith('.ts'))
  .flatMap(textsOf);

it('messages say what is wrong before what follows from it', () => {
  expect(TEXTS.length).toBeGreaterThan(2000);
  // "A, because B" has the cause last; "B, so A" has it first. Queries are no messages.
  const wrong = TEXTS.filter(({ text }) => /\bbecause\b(?! of\b)/u.test(text) && !text.includes('SELECT'));
  expect(wrong.map(({ at, text }) => `${at} ${text}`)).toEqual([]);
});

it('messages send nobody to a page that there is not', () => {
  const named = TEXTS.flatMap(({ at, text }) => [...text.matchAll(/docs\/[\w-]+\.md/gu)].map(([page]) => ({ at, page })));
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ page }) => !existsSync(join(packageRoot(), page)))).toEqual([]);
});
