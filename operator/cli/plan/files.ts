import { policyName } from '../../policy/review.ts';
import { CommandFailure, type ExitCode } from '../terminal.ts';
import { type Candidate, findCandidates } from '../validate/candidates.ts';
import type { Finding } from '../validate/finding.ts';
import { type ReadPolicy, readPolicy } from '../validate/read-policy.ts';
import type { SourceText } from '../validate/sources.ts';
import { asText } from '../validate/text.ts';

/** A policy of a file, with what its metadata says besides the name. */
export interface FilePolicy extends ReadPolicy {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What files are read with. */
export interface FileOptions {
  /** Namespace of policies that name none. */
  readonly namespace: string;
  /** Of a command that ends because a policy is wrong. */
  readonly wrong: ExitCode;
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function metadataOf({ value }: Candidate): Pick<FilePolicy, 'labels' | 'annotations'> {
  const { metadata } = value as { readonly metadata: { labels?: unknown; annotations?: unknown } };
  return { labels: texts(metadata.labels), annotations: texts(metadata.annotations) };
}

/** Ends the command because of what is wrong with files. */
export function refuse(sources: readonly SourceText[], findings: readonly Finding[], code: ExitCode): never {
  const policies = new Set(findings.map(({ policy }) => policy)).size;
  const report = asText({ files: sources.length, policies, findings }, false).trimEnd();
  throw new CommandFailure(`${report}\nnothing is planned until that is mended`, code);
}

/** Of two policies of one name a cluster has one, and nobody knows which: the second is told. */
function repeated(policies: readonly FilePolicy[]): readonly Finding[] {
  const seen = new Set<string>();
  return policies.flatMap(({ policy, placeOf }) => {
    const name = policyName(policy);
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const field = 'metadata.name';
    const message = `policy ${name} is there already; remove one of them, or plan what belongs to different clusters each by itself`;
    return [
      { ...placeOf(field), severity: 'error' as const, rule: 'PolicyTwice', policy: name, field, message },
    ];
  });
}

/**
 * The policies of files. What the API server would refuse ends the command, told as `validate` tells it; all else that
 * this finds the plan itself tells, for it knows the cluster.
 */
export function readFiles(
  sources: readonly SourceText[],
  { namespace, wrong }: FileOptions,
): readonly FilePolicy[] {
  const found = sources.map(findCandidates);
  const candidates = found.flatMap(each => each.candidates);
  const readings = candidates.map((candidate, order) => ({
    candidate,
    reading: readPolicy(candidate, namespace, order),
  }));
  const policies = readings.flatMap(({ candidate, reading }) =>
    reading.ok ? [{ ...reading.read, ...metadataOf(candidate) }] : [],
  );
  const refused = [
    ...found.flatMap(each => each.findings.filter(({ severity }) => severity === 'error')),
    ...readings.flatMap(({ reading }) => (reading.ok ? [] : reading.findings)),
    ...repeated(policies),
  ];
  return refused.length > 0 ? refuse(sources, refused, wrong) : policies;
}
