import fc from 'fast-check';

/** A value as JSON can carry it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** An object as JSON can carry it. */
export interface JsonObject {
  readonly [key: string]: Json;
}

type Path = readonly (string | number)[];

/** Tells objects from all other values. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entries(value: Json): readonly (readonly [string | number, Json])[] {
  if (Array.isArray(value)) return [...value.entries()];
  return isObject(value) ? Object.entries(value) : [];
}

function pathsOf(value: Json): readonly Path[] {
  return [[], ...entries(value).flatMap(([key, child]) => pathsOf(child).map(path => [key, ...path]))];
}

function valueAt(value: Json, path: Path): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  return valueAt(entries(value).find(([each]) => each === key)?.[1] ?? null, rest);
}

/** Replaces what stands at a path; undefined removes it. */
function replaceAt(value: Json, path: Path, change: (old: Json) => Json | undefined): Json | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  const changed = entries(value).flatMap(([each, child]) => {
    const after = each === key ? replaceAt(child, rest, change) : child;
    return after === undefined ? [] : [[each, after] as const];
  });
  return Array.isArray(value) ? changed.map(([, child]) => child) : Object.fromEntries(changed);
}

const WRONG: readonly Json[] = [
  null,
  5,
  -1,
  1.5,
  1e20,
  '',
  'x',
  true,
  false,
  [],
  [null],
  ['x'],
  {},
  { x: 'x' },
];
const UNKNOWN = ['extra', 'Name', 'constructor', 'toString', '__proto__', ''];
const SNIPPETS = [
  ...' /.-_~:@?#%*+&=!$^|`\'"\\<>{}[](),;A0ß',
  ...[
    '//',
    '/.',
    '..',
    '\n',
    '\t',
    '\r',
    '\0',
    '\u0085',
    '\u00a0',
    '\u2028',
    '\u200b',
    '\ufeff',
    '🚀',
    '--',
    'sso',
  ],
];
const LENGTHS = [
  1, 62, 63, 64, 127, 128, 129, 231, 232, 237, 238, 239, 240, 253, 254, 255, 256, 512, 513, 1024, 1025,
];
const FILLERS = ['a', 'ü', '🚀'];

function pickFrom<T>(list: readonly T[], pick: number): T {
  const chosen = list[pick % list.length];
  if (chosen === undefined) throw new Error('nothing to pick from');
  return chosen;
}

function edited(text: string, pick: number): string {
  const snippet = pickFrom(SNIPPETS, pick);
  // Between characters: half of one cannot be sent to the server, which would store another character for it.
  const characters = [...text];
  const places = [0, characters.length, Math.floor(characters.length / 2)];
  return characters.toSpliced(pickFrom(places, Math.floor(pick / SNIPPETS.length)), 0, snippet).join('');
}

function stretched(text: string, pick: number): string {
  const length = pickFrom(LENGTHS, pick);
  const filler = pickFrom(FILLERS, Math.floor(pick / LENGTHS.length));
  const characters = [...text].slice(0, length);
  return characters.join('') + filler.repeat(length - characters.length);
}

/** The entries of an object with one key edited or stretched. */
function renamed<T>(all: readonly (readonly [string, T])[], pick: number): readonly (readonly [string, T])[] {
  const chosen = pickFrom(all, pick);
  const rename = pick % 2 === 0 ? edited : stretched;
  return all.map(entry => (entry === chosen ? [rename(entry[0], pick >> 2), entry[1]] : entry));
}

/** Kinds of damage, each to the value at a path. `pick` chooses among variants; undefined removes the value. */
const HITS: Readonly<Record<string, (old: Json, pick: number, whole: Json) => Json | undefined>> = {
  remove: () => undefined,
  nullify: () => null,
  replace: (_, pick) => pickFrom(WRONG, pick),
  addField: (old, pick) =>
    isObject(old)
      ? Object.fromEntries([...Object.entries(old), [pickFrom(UNKNOWN, pick), pickFrom(WRONG, pick >> 3)]])
      : old,
  rename: (old, pick) =>
    isObject(old) && Object.keys(old).length > 0
      ? Object.fromEntries(renamed(Object.entries(old), pick))
      : old,
  edit: (old, pick) => (typeof old === 'string' ? edited(old, pick) : old),
  stretch: (old, pick) => (typeof old === 'string' ? stretched(old, pick) : old),
  count: (old, pick) => (typeof old === 'number' ? pickFrom([old - 1, 9, 10, 30, 1e9, 1e9 + 1], pick) : old),
  repeat: (old, pick) => (Array.isArray(old) && old.length > 0 ? [...old, pickFrom(old, pick)] : old),
  /** Something else of the same type, so that names that must differ become the same. */
  copy: (old, pick, whole) => {
    const alike = pathsOf(whole).map(path => valueAt(whole, path));
    return pickFrom(
      alike.filter(each => typeof each === typeof old),
      pick,
    );
  },
};

const NAME_EDGES = [
  'x'.repeat(255),
  'x'.repeat(256),
  '🚀'.repeat(127),
  '🚀'.repeat(128),
  `x${'🚀'.repeat(127)}`,
];
const DOMAIN = [60, 60, 60, 60, 9].map(length => 'd'.repeat(length)).join('.');

const CERTIFICATE = '-----BEGIN CERTIFICATE-----';
const DURATIONS = [
  '1h',
  '99999s',
  '99999h99999m99999s',
  '100000s',
  '1',
  'h',
  '1m1h',
  '1h1h',
  '1.5h',
  '1ms',
  '+1h',
  '٣h',
];

/** Values at, and just beyond, the limits of a field: chance alone would seldom find them. */
const EDGES: Readonly<Record<string, readonly Json[]>> = {
  clientId: NAME_EDGES,
  groups: [
    ...NAME_EDGES,
    ...NAME_EDGES.map(name => `/${name}`),
    `/${'g'.repeat(511)}`,
    `/${'g'.repeat(512)}`,
  ],
  realm: ['.', '..', '...', '..a', 'r'.repeat(237), 'r'.repeat(238)],
  claim: ['sub', 'name', 'email', 'typ', 'groups', 'c'.repeat(128), 'c'.repeat(129)],
  url: [
    'https://a.1',
    'https://1.2.3.4',
    'https://1.2.3.256',
    'http://a:65535',
    'http://a:65536',
    'http://a:0',
  ],
  labels: [DOMAIN, `${DOMAIN}d`].map(domain => ({ [`${domain}/${'n'.repeat(63)}`]: 'v' })),
  annotations: ['app.kubernetes.io/managed-by', 'argo-access.io/x', 'n'.repeat(64)].map(key => ({
    [key]: '',
  })),
  name: ['sso', 'argo-access-held', 'a.service-account-token', 's'.repeat(253), 's'.repeat(254)],
  serviceAccount: ['s'.repeat(231), 's'.repeat(232), 'p-a', 'p-b'],
  clientIdKey: ['client-secret', 'client-secret', 'secret', '.', '..', '..a', '.a'],
  clusterRole: ['.', '..', '...', '.a', 'r'.repeat(253), 'r'.repeat(254)],
  role: ['.', '..', '...', '.a'],
  schedule: ['', ' ', 's'.repeat(128), 's'.repeat(129)],
  timeZone: ['', 'z'.repeat(64), 'z'.repeat(65)],
  overlap: [...DURATIONS, '0s', '0h0m0s', '720h', '720h0s', '720h1s', '719h59m60s', '719h60m1s', '43201m'],
  sessionExpiry: [...DURATIONS, '0s', '59s', '60s', '0h1m', '8760h', '8760h1s', '8759h61m'],
  deployment: ['argo-server', 'Argo', 'a/b', 'd'.repeat(253), 'd'.repeat(254)],
  configMap: [null, {}, { name: 'c' }, { name: 'c', manage: 'true' }, { manage: false }],
  filterGroupsRegex: ['^/a', ' a', 'a\n', 'f'.repeat(256), 'f'.repeat(257)],
  rootCA: [
    CERTIFICATE,
    CERTIFICATE.padEnd(16_384),
    CERTIFICATE.padEnd(16_385),
    `${CERTIFICATE}PRIVATE KEY-----`,
  ],
  argoVersion: ['4.1', '4', '4.1.0', 'v4.1', '4.١', '.1', '4.', `4.${'1'.repeat(14)}`, `4.${'1'.repeat(15)}`],
  server: [{ deployment: 'd' }, { deployment: 'd', rootCA: CERTIFICATE }, { sessionExpiry: '1h' }, {}],
  precedence: [1_000_000_001, 9, 10, 19, 20, 29, 30, 1_000_000_000, 1_000_000_001],
};

/** The name of the field at a path, or of the list that it is in. */
function fieldAt(path: Path): string {
  return String(path.findLast(key => typeof key === 'string') ?? '');
}

function edgePlaces(value: Json): readonly Path[] {
  return pathsOf(value).filter(
    path => Object.hasOwn(EDGES, fieldAt(path)) && !Array.isArray(valueAt(value, path)),
  );
}

/** One place for each field that has edges, so that rare fields are hit as often as those of long lists. */
function oneEdgePlaceEach(value: Json): readonly Path[] {
  return [...new Map(edgePlaces(value).map(path => [fieldAt(path), path])).values()];
}

/** The value with each of the edges in each of the places that they are for, one at a time. */
export function atEveryEdge(value: Json): readonly Json[] {
  return edgePlaces(value).flatMap(place =>
    (EDGES[fieldAt(place)] ?? []).map(edge => replaceAt(value, place, () => edge) ?? null),
  );
}

/** Places where a kind of damage can be done. */
function placesFor(kind: string, value: Json): readonly Path[] {
  if (kind === 'edge') return oneEdgePlaceEach(value);
  const all = pathsOf(value);
  return kind === 'edit' || kind === 'stretch'
    ? all.filter(path => typeof valueAt(value, path) === 'string')
    : all;
}

/** One hit at a random place: mostly at texts, which have the most rules. */
export const mutation: fc.Arbitrary<(value: Json) => Json> = fc
  .record({
    kind: fc.oneof(
      fc.constantFrom('edit', 'stretch', 'rename'),
      fc.constant('edge'),
      fc.constantFrom(...Object.keys(HITS)),
    ),
    at: fc.nat(),
    pick: fc.nat(),
  })
  .map(({ kind, at, pick }) => value => {
    const places = placesFor(kind, value);
    if (places.length === 0) return value;
    const place = pickFrom(places, at);
    const edges = EDGES[fieldAt(place)] ?? WRONG;
    const hit = kind === 'edge' ? () => pickFrom(edges, pick) : HITS[kind];
    return replaceAt(value, place, old => hit?.(old, pick, value)) ?? null;
  });
