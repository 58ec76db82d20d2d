/** What went wrong with a request to the API server; decides whether and when it is tried again. */
export type KubernetesErrorKind =
  | 'NotFound'
  | 'AlreadyExists'
  /** The object is not the one that was observed: a newer version, or another uid. */
  | 'Conflict'
  /** Another field manager holds a field that was to be applied without force. */
  | 'FieldTaken'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Invalid'
  | 'NamespaceTerminating'
  | 'Gone'
  | 'TooManyRequests'
  | 'Unavailable';

/** The part of the API server's `Status` answer that is used. */
interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly Cause[];
  };
}

interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/**
 * A request to the API server that failed. Holds no body and no headers, and about a Secret no text that could
 * quote what the Secret holds.
 */
export class KubernetesError extends Error {
  readonly kind: KubernetesErrorKind;
  readonly status: number | undefined;
  /** Seconds after which the server asks to be tried again. */
  readonly retryAfter: number | undefined;

  constructor(kind: KubernetesErrorKind, message: string, status?: number, retryAfter?: number) {
    super(message);
    this.name = 'KubernetesError';
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

function parse(body: string): StatusBody {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

const isFieldTaken = ({ reason }: Cause) => reason === 'FieldManagerConflict';

const BY_STATUS: Readonly<Record<number, KubernetesErrorKind>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Gone',
  413: 'Invalid',
  415: 'Invalid',
  422: 'Invalid',
  429: 'TooManyRequests',
};

function kindOf(status: number, { reason, details }: StatusBody): KubernetesErrorKind {
  const causes = details?.causes ?? [];
  if (causes.some(cause => cause.reason === 'NamespaceTerminating')) return 'NamespaceTerminating';
  if (causes.some(isFieldTaken)) return 'FieldTaken';
  if (status === 409 && reason === 'AlreadyExists') return 'AlreadyExists';
  // A patch or an apply with the uid of an object that has made room for another of the same name.
  if (status === 422 && causes.some(({ field }) => field === 'metadata.uid')) return 'Conflict';
  return BY_STATUS[status] ?? 'Unavailable';
}

/**
 * Who holds which fields, from causes such as `conflict with "kubectl-edit" using v1 at …` (apimachinery,
 * managedfields/internal/conflict.go), whose times change with each of the other's writes.
 */
function saidOfFields(causes: readonly Cause[]): string {
  const managers = new Map<string, Set<string>>();
  for (const { message = '', field = 'a field' } of causes.filter(isFieldTaken)) {
    const manager = /"(?:[^"\\]|\\.)*"/.exec(message)?.[0] ?? 'another field manager';
    managers.set(field, (managers.get(field) ?? new Set()).add(manager));
  }
  return [...managers]
    .map(([field, by]) => `${field} is managed by ${[...by].sort().join(' and ')}`)
    .join(', ');
}

/** Statuses whose message the API server makes from names alone. */
const PLAIN: ReadonlySet<number> = new Set([401, 403, 404, 409]);

/** What the server says, without what could quote a Secret's value: an invalid field, or a webhook's own words. */
function saidOfSecret(status: number, { message, details }: StatusBody): string {
  if (message !== undefined && PLAIN.has(status)) return message.replace(/(denied (the )?request).*/s, '$1');
  const fields = (details?.causes ?? []).flatMap(({ field }) => field ?? []);
  return fields.length === 0 ? `status ${status}` : `status ${status} because of ${fields.join(', ')}`;
}

function saidOf(kind: KubernetesErrorKind, what: string, status: number, body: StatusBody) {
  if (kind === 'FieldTaken') return saidOfFields(body.details?.causes ?? []);
  return /\/secrets\b/.test(what) ? saidOfSecret(status, body) : body.message;
}

/**
 * The error for an answer that is none of success; `retryAfter` is the header of that name, which comes without a
 * `Status` where the server is too busy.
 */
export function errorFromAnswer(
  what: string,
  status: number,
  text: string,
  retryAfter: string | null = null,
): KubernetesError {
  const body = parse(text);
  const kind = kindOf(status, body);
  const said = saidOf(kind, what, status, body);
  const header = retryAfter === null ? Number.NaN : Number(retryAfter);
  const seconds = body.details?.retryAfterSeconds ?? (Number.isFinite(header) ? header : undefined);
  return new KubernetesError(kind, `${what}: ${said ?? `status ${status}`}`, status, seconds);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The error for a request that was not answered at all. */
export function errorFromFailure(what: string, error: unknown, deadlineMs: number): KubernetesError {
  const timedOut = error instanceof Error && error.name === 'TimeoutError';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = codeOf(cause) ?? codeOf(error) ?? (error instanceof Error ? error.name : 'unknown error');
  const why = timedOut ? `no answer within ${deadlineMs / 1000} s` : code;
  return new KubernetesError('Unavailable', `${what}: ${why}`);
}
