// A plugin of TypeDoc: a page is called by its first heading and stands in the group of its folder, so
// that the pages themselves need no header that GitHub would show.
import { Converter } from 'typedoc';

const start = ['Getting started', 'From PyTorch', 'Concepts', 'Examples'];

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    const text = page.content.map((part) => part.text).join('');
    const heading = /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '');
    const file = app.files.getReflectionPath(page) ?? '';
    if (heading !== undefined) page.name = heading;
    page.frontmatter.group = groupOf(page.name, file);
  });
}

function groupOf(name, file) {
  if (start.includes(name)) return 'Start here';
  if (file.includes('/guides/')) return 'Guides';
  if (file.includes('/decisions/')) return 'Decisions';
  return 'Background';
}
