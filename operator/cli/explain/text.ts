import { provenanceText } from '../../policy/provenance.ts';
import type { TokenState } from '../access/tokens.ts';
import { grantText } from '../access/words.ts';
import { clean, hanging, type Paint, painter } from '../live/layout.ts';
import type { Terminal } from '../terminal.ts';
import type { ExplainReport, TrialReport } from './report.ts';

type Layout = Pick<Terminal, 'colours' | 'columns'>;

const TOKENS: Readonly<Record<TokenState['state'], string>> = {
  filled: 'filled',
  empty: 'has no token yet; Kubernetes fills it, or its ServiceAccount is gone',
  missing: 'does not exist: create it, with type kubernetes.io/service-account-token',
  foreign: "is not this ServiceAccount's token",
  held: 'never exists: the operator keeps people out while it changes something',
  unread: 'not looked at, for you may not get it',
};

const VERDICTS: Readonly<
  Record<TrialReport['verdict'], readonly [sign: string, style: 'green' | 'dim' | 'red' | 'yellow']>
> = {
  true: ['true', 'green'],
  false: ['false', 'dim'],
  error: ['fails', 'red'],
  unknown: ['not tried', 'yellow'],
};

function canIText({ canI }: TrialReport): readonly string[] {
  return (canI ?? []).map(({ namespace, verbs }) => {
    if (verbs === undefined)
      return `not checked in ${namespace}, for you may not create localsubjectaccessreviews there`;
    return `in ${namespace}: ${verbs.length === 0 ? 'nothing' : verbs.join(' ')}`;
  });
}

function trialLines(trial: TrialReport, paint: Paint, { columns }: Layout): readonly string[] {
  const { namespace, serviceAccount, precedence, verdict, wins, error, remedy, token, grants } = trial;
  const [word, style] = VERDICTS[verdict];
  const sign = wins ? paint('green', '→') : ' ';
  const name = paint(wins ? 'bold' : 'reset', `${namespace}/${serviceAccount}`);
  const row = (label: string, text: string) => hanging(`      ${label.padEnd(8)}`, clean(text), columns);
  const labelled = (label: string, texts: readonly string[]) =>
    texts.map((text, index) => row(index === 0 ? label : '', text));
  return [
    `${sign} ${name}  precedence ${precedence}  ${paint(style, word)}`,
    row('rule', trial.rule),
    ...(error === undefined ? [] : [row('', error), ...(remedy === undefined ? [] : [row('', remedy)])]),
    row('from', provenanceText(trial.from)),
    row('token', `Secret ${token.secret}, ${TOKENS[token.state]}`),
    ...labelled('grants', grants.length === 0 ? ['none'] : grants.map(grantText)),
    ...labelled('may', canIText(trial)),
  ];
}

const DELEGATION = {
  yes: 'Argo Server looks there too, and takes an account of a strictly higher precedence',
  no: 'Argo Server does not look for accounts there: SSO_DELEGATE_RBAC_TO_NAMESPACE is not true, or --namespaced is set',
  unknown: 'whether Argo Server looks there too is not known; it is taken to',
} as const;

function headLines(report: ExplainReport, { columns }: Layout): readonly string[] {
  const { who, groups, namespace, accountNamespace, resourceNamespace, delegation } = report;
  const where =
    accountNamespace === undefined ? '' : `, which looks for accounts in namespace ${accountNamespace}`;
  const asked =
    resourceNamespace === undefined || delegation === undefined
      ? []
      : [`and asks for something in ${resourceNamespace}: ${DELEGATION[delegation]}`];
  return [
    hanging('', clean(who), columns),
    hanging('  groups  ', groups.length === 0 ? 'none' : groups.map(clean).join(', '), columns),
    hanging('  ', `signs in at Argo Server of namespace ${namespace}${where}`, columns),
    ...asked.map(text => hanging('  ', text, columns)),
  ];
}

/** A report for people. */
export function asText(report: ExplainReport, layout: Layout): string {
  const paint = painter(layout.colours);
  const { outcome, trials, nearest, notes } = report;
  const good = outcome.kind === 'account';
  const sign = good ? paint('green', '✓') : paint('red', '✗');
  const blocks = [
    headLines(report, layout),
    [hanging(`${sign} `, clean(outcome.message), layout.columns)],
    nearest.map(({ namespace, serviceAccount, missing }) =>
      hanging('  ', clean(`for ${namespace}/${serviceAccount}: ${missing}`), layout.columns),
    ),
    ...trials.map(trial => trialLines(trial, paint, layout)),
    notes.map(note => hanging(`${paint('yellow', '?')} `, clean(note), layout.columns)),
  ];
  const shown = blocks.filter(lines => lines.length > 0).map(lines => lines.join('\n'));
  return `${shown.join('\n\n')}\n`;
}
