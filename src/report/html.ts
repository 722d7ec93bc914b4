// Text inside HTML: whatever a name holds, it stays text.

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** JSON for a <script type="application/json"> element: no text in it can end the element. Typed
 *  arrays become arrays. */
export function scriptJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, entry: unknown) =>
    entry instanceof Float64Array || entry instanceof Float32Array ? Array.from(entry) : entry,
  );
  return text.replaceAll('<', '\\u003c');
}
