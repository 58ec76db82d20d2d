import type { Deployment, Policy } from '../api/objects.ts';
import { serverContainer } from './server-container.ts';

/** A version of Argo Workflows, as far as it matters. */
export interface ArgoVersion {
  readonly major: number;
  readonly minor: number;
}

/** Releases that have single sign-on have at least this; a lower number is somebody's own count. */
const FIRST_MAJOR = 3;

function parseVersion(text: string): ArgoVersion | undefined {
  const [, major, minor] = /^v?([0-9]{1,4})\.([0-9]{1,4})(?:[^0-9]|$)/.exec(text) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** The version that an image's tag tells; undefined for a digest, `latest` and the like. */
export function versionOfImage(image: string): ArgoVersion | undefined {
  const name = image.split('@', 1)[0] ?? '';
  const [, tag = ''] = /:([^:/]+)$/.exec(name) ?? [];
  const version = parseVersion(tag);
  return version !== undefined && version.major >= FIRST_MAJOR ? version : undefined;
}

/** Argo Server's version, by its image's tag or as the policy says; undefined where neither tells. */
export function argoVersion(deployment: Deployment | undefined, { spec }: Policy): ArgoVersion | undefined {
  const image = deployment && serverContainer(deployment)?.image;
  return (
    (image === undefined ? undefined : versionOfImage(image)) ?? parseVersion(spec.server?.argoVersion ?? '')
  );
}

/** Whether Argo knows `sso.rootCA` (argo-workflows, config/sso.go, since 4.0); not where the version is unknown. */
export function knowsRootCA(version: ArgoVersion | undefined): boolean {
  return version !== undefined && version.major >= 4;
}
