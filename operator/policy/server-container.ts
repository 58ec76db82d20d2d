import type { Container, Deployment } from '../api/objects.ts';
import { entry } from './compare.ts';

/** How Argo Server is started, as far as its words and variables tell (argo-workflows, cmd/argo/commands/server.go). */
export interface ServerFlags {
  /** Modes of `--auth-mode`. */
  readonly authModes: readonly string[];
  /** Name of the ConfigMap that it reads; undefined where it is made of what cannot be seen. */
  readonly configMap: string | undefined;
  /** The namespace of the ServiceAccounts with rules where it is said to be another; undefined where it is its own. */
  readonly managedNamespace: string | undefined;
  readonly namespaced: boolean;
  /** Whether accounts of the request's namespace may take the place of the one signed in with. */
  readonly delegates: boolean;
}

/** The ConfigMap that Argo Server reads where it is not told of another. */
export const DEFAULT_CONFIG_MAP = 'workflow-controller-configmap';

/** The container that runs Argo Server; undefined where none can be told to. */
export function serverContainer({ containers }: Deployment): Container | undefined {
  return (
    containers.find(({ name }) => name === 'argo-server') ??
    containers.find(container => wordsOf(container).includes('server')) ??
    (containers.length === 1 ? containers[0] : undefined)
  );
}

/** The words with the variables that are known filled in; those of a shell's one long word apart. */
function wordsOf({ words, env }: Container): readonly string[] {
  return words
    .map(word => word.replace(/\$\(([^()]+)\)/g, (whole, name: string) => entry(env, name) ?? whole))
    .flatMap(word => word.split(/\s+/));
}

/** What a flag is given as, in order: by its variable first, which the command line adds to or replaces. */
function given(container: Container, flag: string): readonly string[] {
  const words = wordsOf(container);
  const said = words.flatMap((word, index) => {
    if (word.startsWith(`--${flag}=`)) return [unquoted(word.slice(flag.length + 3))];
    return word === `--${flag}` ? [unquoted(words[index + 1] ?? '')] : [];
  });
  const variable = entry(container.env, `ARGO_${flag.toUpperCase().replaceAll('-', '_')}`);
  return variable === undefined || variable === '' ? said : [variable, ...said];
}

function unquoted(word: string): string {
  return word.replace(/^(["'])(.*)\1$/, '$2');
}

/** Whether a switch is on; as a word of its own it is, whatever word comes next. */
function isOn(container: Container, flag: string): boolean {
  const alone = wordsOf(container).includes(`--${flag}`);
  return alone || /^(1|t|true)$/i.test(given(container, flag).at(-1) ?? '');
}

function isKnown(value: string | undefined): value is string {
  return value !== undefined && value !== '' && !value.includes('$');
}

const DELEGATE = 'SSO_DELEGATE_RBAC_TO_NAMESPACE';

/** Whether Argo Server is told to delegate, and does not because of `--namespaced`. */
export function ignoresDelegation(container: Container): boolean {
  return isOn(container, 'namespaced') && entry(container.env, DELEGATE) === 'true';
}

/** What counts where a flag is not given: the default, but for a variable that nobody sees. */
function otherwise({ moreEnv }: Container, byDefault: string): string {
  return moreEnv === true ? '$(envFrom)' : byDefault;
}

/** The path below which Argo Server is served, with a slash at both ends; undefined where it cannot be seen. */
export function baseHref(container: Container): string | undefined {
  // Argo 3.5 has a flag and a variable of other names (argo-workflows, cmd/argo/commands/server.go).
  const flag = [...given(container, 'basehref'), ...given(container, 'base-href')].at(-1);
  const said = flag ?? entry(container.env, 'BASE_HREF') ?? otherwise(container, '/');
  return isKnown(said) ? `/${said.replace(/^\/+|\/+$/g, '')}/`.replace('//', '/') : undefined;
}

/** Reads how a container starts Argo Server. */
export function serverFlags(container: Container): ServerFlags {
  const authModes = given(container, 'auth-mode');
  const configMap = given(container, 'configmap').at(-1) ?? DEFAULT_CONFIG_MAP;
  const managed = given(container, 'managed-namespace').at(-1);
  const namespaced = isOn(container, 'namespaced');
  return {
    authModes: authModes.length === 0 ? [otherwise(container, 'client')] : authModes,
    configMap: isKnown(configMap) ? configMap : undefined,
    namespaced,
    // Without --namespaced Argo ignores it.
    managedNamespace: namespaced && isKnown(managed) ? managed : undefined,
    delegates: !namespaced && entry(container.env, DELEGATE) === 'true',
  };
}
