import { Document, parseDocument, Scalar, visit } from 'yaml';

/** Text that no reader of YAML takes for anything else: words of addresses, names and paths. */
const PLAIN = /^[A-Za-z/](?:[-\w./]|:(?=[-\w./]))*$/;
/** Single words that YAML 1.1 takes for switches and the like. */
const NOT_TEXT = /^(?:y|yes|n|no|on|off|true|false|null)$/i;
/** Lines of anything that YAML lets stand as it is; tabs would be taken for indentation. */
const LINES =
  /^[\x21-\x7e\u00a1-\u1fff][\x20-\x7e\u00a1-\u1fff]*(?:\n+[\x21-\x7e\u00a1-\u1fff][\x20-\x7e\u00a1-\u1fff]*)*\n$/;
/** What neither JSON nor the library writes as an escape, and Go's library refuses as it is. */
const UNPRINTABLE = /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g;

function styleOf(text: string): Scalar.Type {
  if (PLAIN.test(text) && !NOT_TEXT.test(text)) return Scalar.PLAIN;
  return LINES.test(text) ? Scalar.BLOCK_LITERAL : Scalar.QUOTE_DOUBLE;
}

/** A value as YAML that all libraries take for the same: what is not plainly text is in quotes. */
export function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string') node.type = styleOf(node.value);
    },
  });
  // Such a character stands in double quotes, where it may be escaped.
  return document
    .toString({ lineWidth: 0 })
    .replace(UNPRINTABLE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What Go's library does not have of YAML 1.1; and fractions, which no setting is, while the library takes `e0` for one. */
const NOT_IN_GO = ['float', 'timestamp', 'binary', 'omap', 'pairs', 'set'].map(
  name => `tag:yaml.org,2002:${name}`,
);

/** Reads YAML as Go's library does in Argo: version 1.1, and no key twice. */
export function fromYaml(text: string): Document.Parsed {
  return parseDocument(text, {
    version: '1.1',
    prettyErrors: false,
    logLevel: 'silent',
    customTags: tags =>
      tags.filter(
        tag =>
          typeof tag === 'string' ||
          (!NOT_IN_GO.includes(tag.tag) && !('format' in tag && tag.format === 'TIME')),
      ),
  });
}
