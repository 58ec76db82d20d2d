import type { Policy } from '../../api/objects.ts';
import type { OperatorConfig } from '../../config.ts';
import { NOTHING_FILTERED } from '../../policy/nothing-seen.ts';
import {
  clientIdTwice,
  grantsContained,
  groupSpellings,
  policyName,
  type Remark,
} from '../../policy/review.ts';
import { findCandidates } from './candidates.ts';
import { type ExpressionJudgement, judgeExpressions } from './expressions.ts';
import type { Finding, Report } from './finding.ts';
import { type FilterJudgement, judgeGroupFilters } from './group-filters.ts';
import { offlineObservation } from './offline.ts';
import { type FieldFinding, runChecks } from './operator-checks.ts';
import { type ReadPolicy, readPolicy } from './read-policy.ts';
import type { SourceText } from './sources.ts';

/** What policies are judged with. */
export interface JudgeOptions {
  /** For what policies may ask for; undefined where that is not to be judged. */
  readonly config?: OperatorConfig | undefined;
  /** Namespace of policies that name none. */
  readonly namespace?: string | undefined;
  /** Argo's rule engine; by default the one that lies beside the code. */
  readonly wasmPath?: string | undefined;
}

/** Judges all policies in texts, as what one cluster has. */
export async function judge(sources: readonly SourceText[], options: JudgeOptions): Promise<Report> {
  const found = sources.map(findCandidates);
  const candidates = found.flatMap(each => each.candidates);
  const readings = candidates.map((each, order) => readPolicy(each, options.namespace ?? '', order));
  const reads = readings.flatMap(each => (each.ok ? [each.read] : []));
  const findings = [
    ...found.flatMap(each => each.findings),
    ...readings.flatMap(each => (each.ok ? [] : each.findings)),
    ...(await judgePolicies(reads, options)),
  ];
  const order = new Map(sources.map(({ file }, index) => [file, index]));
  const place = ({ file }: Finding) => order.get(file) ?? 0;
  return {
    files: sources.length,
    policies: candidates.length,
    findings: findings.toSorted((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column),
  };
}

/** A policy, with the others of its namespace that can be there together with it. */
interface Neighbourhood extends ReadPolicy {
  readonly neighbours: readonly Policy[];
  /** The first of the same name, where that is another: a cluster has only one of them. */
  readonly namesake: Policy | undefined;
}

async function judgePolicies(
  reads: readonly ReadPolicy[],
  options: JudgeOptions,
): Promise<readonly Finding[]> {
  const filters = await judgeGroupFilters(
    reads.map(({ policy }) => policy),
    options.wasmPath,
  );
  const expressions = await judgeExpressions(
    reads.map(({ policy }) => policy),
    options.wasmPath,
  );
  const alone = neighbourhoods(reads).flatMap(each =>
    [...ofNamesake(each), ...ofChecks(each, filters(each.policy), expressions, options)].map(finding =>
      located(each, finding),
    ),
  );
  return [...alone, ...reviewTogether(reads, options)];
}

function located({ policy, placeOf }: ReadPolicy, finding: FieldFinding): Finding {
  return { ...placeOf(finding.field), policy: policyName(policy), ...finding };
}

function neighbourhoods(reads: readonly ReadPolicy[]): readonly Neighbourhood[] {
  const firsts = firstOfEachName(reads);
  const byNamespace = Map.groupBy(firsts.values(), ({ metadata }) => metadata.namespace);
  return reads.map(read => {
    const { namespace, name } = read.policy.metadata;
    const first = firsts.get(policyName(read.policy));
    return {
      ...read,
      neighbours: (byNamespace.get(namespace) ?? []).filter(({ metadata }) => metadata.name !== name),
      namesake: first === read.policy ? undefined : first,
    };
  });
}

function firstOfEachName(reads: readonly ReadPolicy[]): ReadonlyMap<string, Policy> {
  return new Map(reads.toReversed().map(({ policy }) => [policyName(policy), policy]));
}

function ofNamesake({ policy, namesake }: Neighbourhood): readonly FieldFinding[] {
  if (namesake === undefined) return [];
  return [
    {
      severity: 'warning',
      rule: 'PolicyTwice',
      field: 'metadata.name',
      message:
        `policy ${policyName(policy)} is there already, and a cluster has the one that is applied last; remove one of them, or ` +
        `validate what belongs to different clusters each by itself`,
    },
  ];
}

function ofChecks(
  { policy, neighbours }: Neighbourhood,
  filter: FilterJudgement,
  expressions: ExpressionJudgement,
  { config }: JudgeOptions,
): readonly FieldFinding[] {
  const observation = offlineObservation({
    policy,
    neighbours,
    config,
    groupFilter: filter.ok ? filter.verdict : NOTHING_FILTERED,
    expressions: expressions.ok ? expressions.verdicts : new Map(),
  });
  const inNamespace = policy.metadata.namespace !== '';
  return [
    ...(config !== undefined && !inNamespace ? [NAMESPACE_UNKNOWN] : []),
    ...runChecks(observation, config !== undefined && inNamespace),
    ...(filter.ok ? [] : [unjudged('spec.server.filterGroupsRegex', filter.why)]),
    ...(expressions.ok ? [] : unjudgedExpressions(policy, expressions.why)),
  ];
}

const NAMESPACE_UNKNOWN: FieldFinding = {
  severity: 'warning',
  rule: 'NamespaceUnknown',
  field: 'metadata.namespace',
  message:
    'is missing, so that what the policy asks for cannot be compared with what its namespace is allowed; write it, or give --namespace',
};

function unjudgedExpressions({ spec }: Policy, why: string): readonly FieldFinding[] {
  return spec.roles.flatMap(({ when }, index) =>
    when === undefined ? [] : [unjudged(`spec.roles[${index}].when`, why)],
  );
}

function unjudged(field: string, why: string): FieldFinding {
  return {
    severity: 'note',
    rule: 'NotJudged',
    field,
    message: `was not tried: Argo's rule engine cannot be started (${why})`,
  };
}

function reviewTogether(reads: readonly ReadPolicy[], { config }: JudgeOptions): readonly Finding[] {
  const policies = [...firstOfEachName(reads).values()].toReversed();
  const realms = new Map(config?.connections.map(({ name, realm }) => [name, realm]));
  const realmOf = ({ spec: { keycloak } }: Policy) => keycloak.realm ?? realms.get(keycloak.connection);
  const byNamespace = Map.groupBy(policies, ({ metadata }) => metadata.namespace);
  const places = new Map(reads.map(read => [read.policy, read]));
  const remarks: readonly Remark[] = [
    ...clientIdTwice(policies, realmOf),
    ...[...byNamespace.values()].flatMap(grantsContained),
    ...groupSpellings(policies, realmOf),
  ];
  return remarks.flatMap(({ policy, rule, field, message, blocks }) => {
    const read = places.get(policy);
    const severity = blocks ? ('error' as const) : ('warning' as const);
    return read === undefined ? [] : [located(read, { severity, rule, field, message })];
  });
}
