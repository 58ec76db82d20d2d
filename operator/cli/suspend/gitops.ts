import type { RawObject } from '../../kubernetes/decode.ts';

/** What seems to apply a policy from elsewhere. */
export interface Applier {
  /** As in `Argo CD (application sso)`. */
  readonly name: string;
  /** Whether it is known to hold the field `spec.suspend`, and so sets it back for certain. */
  readonly holdsSuspend: boolean;
}

interface Meta {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly subresource?: string;
    readonly fieldsV1?: { readonly 'f:spec'?: { readonly 'f:suspend'?: unknown } };
  }[];
}

/** Annotation of Argo CD, `<application>:<group>/<kind>:<namespace>/<name>` (argo-cd, docs/user-guide/resource_tracking.md). */
const ARGO_CD = 'argocd.argoproj.io/tracking-id';
/** Labels of Flux's controllers (fluxcd, kustomize-controller and helm-controller: ownership labels). */
const FLUX = {
  Kustomization: 'kustomize.toolkit.fluxcd.io',
  HelmRelease: 'helm.toolkit.fluxcd.io',
} as const;
/** Names by which such tools write. */
const MANAGERS: Readonly<Record<string, string>> = {
  'argocd-controller': 'Argo CD',
  'argocd-application-controller': 'Argo CD',
  'kustomize-controller': 'Flux',
  'helm-controller': 'Flux',
};

/** Whether a GitOps tool applies the object, and would set `spec.suspend` back. */
export function applierOf(raw: RawObject): Applier | undefined {
  const meta = (raw.metadata ?? {}) as Meta;
  const entries = (meta.managedFields ?? []).filter(({ subresource }) => subresource === undefined);
  const found = entries.map(({ manager = '' }) => MANAGERS[manager]).find(each => each !== undefined);
  const name = marked(meta) ?? found;
  if (name === undefined) return undefined;
  const holdsSuspend = entries.some(
    ({ manager = '', fieldsV1 }) =>
      MANAGERS[manager] !== undefined && fieldsV1?.['f:spec']?.['f:suspend'] !== undefined,
  );
  return { name, holdsSuspend };
}

function marked({ labels = {}, annotations = {} }: Meta): string | undefined {
  const [application] = annotations[ARGO_CD]?.split(':') ?? [];
  if (application !== undefined) return `Argo CD (application ${application})`;
  for (const [kind, prefix] of Object.entries(FLUX)) {
    const name = labels[`${prefix}/name`];
    if (name !== undefined) return `Flux (${kind} ${labels[`${prefix}/namespace`] ?? ''}/${name})`;
  }
  return undefined;
}
