import manifest from '../../package.json' with { type: 'json' };

/** Version of this project. */
export const VERSION: string = manifest.version;

/** Major and minor version of a text that contains them. */
function majorMinor(text: string): readonly [number, number] {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}

/** Why a version of Node cannot run this; undefined where it can. */
export function nodeProblem(version: string): string | undefined {
  const [major, minor] = majorMinor(version);
  const [leastMajor, leastMinor] = majorMinor(manifest.engines.node);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `argo-access needs Node ${leastMajor}.${leastMinor} or newer, and this is ${version}; install a newer one`;
}
