import { parseTime } from '../../api/time.ts';
import type { PolicyEvent } from '../live/events.ts';
import { clean, hanging, type Paint, table, widthOf } from '../live/layout.ts';
import { distance, span } from '../live/time.ts';
import type { ClientView, PartView, PolicyState, PolicyView, RoleView, SecretView } from './view.ts';

/** How the screen is written. */
export interface Screen {
  readonly paint: Paint;
  /** Undefined: no terminal, and no line is wrapped. */
  readonly columns: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** As many of the last events are shown. */
const EVENTS = 8;
const LABEL = 10;

const SIGNS: Readonly<Record<PolicyState, readonly [sign: string, style: 'green' | 'red' | 'yellow']>> = {
  Ready: ['✓', 'green'],
  Reconciling: ['…', 'yellow'],
  Stalled: ['✗', 'red'],
  Suspended: ['‖', 'yellow'],
  Deleting: ['…', 'yellow'],
  NotLookedAt: ['?', 'yellow'],
};

const WORDS: Readonly<Record<PolicyState, string>> = {
  Ready: 'Ready',
  Reconciling: 'Reconciling',
  Stalled: 'Stalled',
  Suspended: 'Suspended',
  Deleting: 'Deleting',
  NotLookedAt: 'not looked at yet',
};

/** One policy on one screen. */
export function policyScreen(view: PolicyView, screen: Screen): string {
  const { paint } = screen;
  const { client, secret } = view;
  const head = `${paint('bold', `${view.namespace}/${view.name}`)}  ${stateWords(view, screen)}`;
  const blocks = [
    [head, ...verdictLines(view, screen)],
    [
      ...(client === undefined ? [] : section('Client', clientLines(client), screen)),
      ...(secret === undefined ? [] : section('Secret', secretLines(secret, screen), screen)),
      ...section('Server', serverLines(view), screen),
      ...roleLines(view.roles, screen),
    ],
    view.events === undefined ? [] : eventLines(view.events, screen),
  ];
  const shown = blocks.filter(lines => lines.length > 0).map(lines => lines.join('\n'));
  return `${shown.join('\n\n')}\n`;
}

/** A line or two for each policy, and how many there are. */
export function policyList(views: readonly PolicyView[], screen: Screen): string {
  const heads = table(views.map(view => headCells(view, screen)));
  const blocks = views.map((view, index) => [heads[index] ?? '', ...trouble(view, screen)].join('\n'));
  const wrong = views.filter(({ state }) => state !== 'Ready').length;
  const many = `${views.length} ${views.length === 1 ? 'policy' : 'policies'}`;
  return `${blocks.join('\n')}\n${many}: ${wrong === 0 ? 'all ready' : `${wrong} not ready`}\n`;
}

function stateWords({ state, since }: PolicyView, { paint, now }: Screen): string {
  const [sign, style] = SIGNS[state];
  const at = parseTime(since);
  const lasting = at === undefined ? '' : ` for ${span(now - at)}`;
  return paint(style, `${sign} ${WORDS[state]}`) + lasting;
}

function headCells(view: PolicyView, screen: Screen): readonly string[] {
  const { paint, now } = screen;
  const { namespace, name, client, secret, standing } = view;
  return [
    `${paint('bold', `${namespace}/${name}`)}`,
    stateWords(view, screen),
    `roles ${standing}`,
    client?.clientId ?? '-',
    secret === undefined ? '-' : rotationWords(secret, now),
  ];
}

function rotationWords({ lastRotated, nextRotation }: SecretView, now: number): string {
  const [last, next] = [parseTime(lastRotated), parseTime(nextRotation)];
  return [
    ...(last === undefined ? [] : [`rotated ${distance(last, now)}`]),
    ...(next === undefined ? [] : [`next ${distance(next, now)}`]),
  ].join(', ');
}

/** What is wrong, or worth to be known, below a line of the list. */
function trouble({ reason, message, state }: PolicyView, screen: Screen): readonly string[] {
  if (state === 'Ready' && reason === 'InSync') return [];
  return sentences(reason, message).map(text => hanging('    ', text, screen.columns));
}

/** A condition's message is several sentences where several things are to be told of. */
function sentences(reason: string, message: string): readonly string[] {
  const [first = '', ...rest] = message.split(' | ').map(clean);
  return [reason === '' || reason === 'InSync' ? first : `${reason}: ${first}`, ...rest];
}

/** Ready's message is that of its parts, where there are any. */
function verdictLines(view: PolicyView, screen: Screen): readonly string[] {
  const { parts, reason, message, state } = view;
  const told = parts.some(part => part.reason === reason && part.message === message);
  const covered = told || (parts.length > 0 && state === 'Ready');
  const own = covered ? [] : sentences(reason, message).map(text => hanging('  ', text, screen.columns));
  return [...own, ...parts.flatMap(part => partLines(part, screen))];
}

function partLines(
  { part, status, reason, message }: PartView,
  { paint, columns }: Screen,
): readonly string[] {
  const wrong = status !== 'True';
  const noted = !wrong && reason !== 'InSync';
  const sign = wrong ? paint('red', '✗') : noted ? paint('yellow', '!') : paint('green', '✓');
  const before = `${sign} ${part.padEnd(LABEL - 2)}`;
  const [first = '', ...rest] = sentences(reason, message);
  return [hanging(before, first, columns), ...rest.map(text => hanging(' '.repeat(LABEL), text, columns))];
}

function section(label: string, lines: readonly string[], { paint, columns }: Screen): readonly string[] {
  return lines.map((line, index) => {
    const before = index === 0 ? paint('dim', label.padEnd(LABEL)) : ' '.repeat(LABEL);
    return hanging(before, line, columns);
  });
}

function clientLines({ clientId, connection, realm, url, issuer, adopted }: ClientView): readonly string[] {
  const where =
    realm === undefined ? `of connection ${connection}` : `in realm ${realm} of connection ${connection}`;
  return [
    `${clientId} ${where}${adopted === true ? ', adopted' : ''}`,
    `for ${url}`,
    ...(issuer === undefined ? [] : [`issuer ${issuer}`]),
  ];
}

function secretLines(secret: SecretView, { now }: Screen): readonly string[] {
  const { name, revision, proved, schedule } = secret;
  const proof = proved === true ? 'which Keycloak accepts' : 'not tried at Keycloak yet';
  const told = (text: string | undefined) => {
    const at = parseTime(text);
    return at === undefined ? undefined : `${text} (${distance(at, now)})`;
  };
  const [last, next, until] = [
    told(secret.lastRotated),
    told(secret.nextRotation),
    told(secret.overlapUntil),
  ];
  const by = schedule === undefined ? 'none by schedule' : `schedule ${schedule}`;
  return [
    revision === undefined ? `${name}, not there yet` : `${name}, revision ${revision}, ${proof}`,
    ...(last === undefined ? [] : [`rotated ${last}`]),
    next === undefined ? `next rotation: ${by}` : `next rotation ${next}, ${by}`,
    ...(until === undefined ? [] : [`the old secret stays valid until ${until}`]),
  ];
}

function serverLines({ server }: PolicyView): readonly string[] {
  if (server === undefined) return [];
  const { deployment, configMap } = server;
  const parts = [
    ...(deployment === undefined ? [] : [`Deployment ${deployment}`]),
    ...(configMap === undefined ? [] : [`ConfigMap ${configMap}`]),
  ];
  return [parts.join(', ')];
}

function roleLines(roles: readonly RoleView[], screen: Screen): readonly string[] {
  const heads = table(
    roles.map(({ name, serviceAccount, precedence }) => [
      name,
      serviceAccount,
      precedence === undefined ? '-' : String(precedence),
      '',
    ]),
  );
  const width = Math.max(0, ...heads.map(widthOf)) + 2;
  return roles.flatMap(({ for: who, missingGroups }, index) => {
    const label = index === 0 ? screen.paint('dim', 'Roles'.padEnd(LABEL)) : ' '.repeat(LABEL);
    const head = (heads[index] ?? '').padEnd(width);
    const missing = missingGroups.map(group => {
      const text = `Keycloak has no group ${clean(group)}: nobody gets in by it`;
      return hanging(`${' '.repeat(LABEL + 2)}${screen.paint('yellow', '!')} `, text, screen.columns);
    });
    return [hanging(`${label}${head}`, clean(who), screen.columns), ...missing];
  });
}

function eventLines(events: readonly PolicyEvent[], screen: Screen): readonly string[] {
  const { paint, columns, now } = screen;
  const shown = events.slice(-EVENTS);
  if (shown.length === 0) return section('Events', ['none of late'], screen);
  const heads = table(
    shown.map(({ type, reason, time, count }) => {
      const at = parseTime(time);
      const often = count > 1 ? ` (${count} times)` : '';
      return [at === undefined ? '' : distance(at, now), type, `${reason}${often}`, ''];
    }),
  );
  const width = Math.max(...heads.map(widthOf)) + 2;
  return shown.map(({ message, type }, index) => {
    const label = index === 0 ? paint('dim', 'Events'.padEnd(LABEL)) : ' '.repeat(LABEL);
    const head = (heads[index] ?? '').padEnd(width);
    return hanging(`${label}${type === 'Warning' ? paint('yellow', head) : head}`, clean(message), columns);
  });
}
