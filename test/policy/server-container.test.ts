import { describe, expect, it } from 'vitest';
import { serverContainer, serverFlags } from '../../operator/policy/server-container.ts';
import { argoVersion, versionOfImage } from '../../operator/policy/server-version.ts';
import { makePolicy } from './fixtures.ts';
import { makeContainer, makeDeployment, SPEC } from './server-objects.ts';

function flags(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return serverFlags(makeContainer({ words, env }));
}

describe('how Argo Server is started', () => {
  it.each([
    ['by default', ['server'], {}, ['client']],
    ['in one word', ['server', '--auth-mode=sso'], {}, ['sso']],
    ['in two words', ['server', '--auth-mode', 'sso'], {}, ['sso']],
    ['several times', ['server', '--auth-mode=client', '--auth-mode', 'sso'], {}, ['client', 'sso']],
    ['in quotes', ['server', '--auth-mode="sso"'], {}, ['sso']],
    ['in a line for a shell', ['sh', '-c', 'exec argo server --auth-mode sso --secure=false'], {}, ['sso']],
    ['by a variable in a word', ['server', '--auth-mode=$(MODE)'], { MODE: 'sso' }, ['sso']],
    ['by a variable that nobody knows', ['server', '--auth-mode=$(MODE)'], {}, ['$(MODE)']],
    ['by Argo’s own variable', ['server'], { ARGO_AUTH_MODE: 'sso' }, ['sso']],
    ['by both', ['server', '--auth-mode=client'], { ARGO_AUTH_MODE: 'sso' }, ['sso', 'client']],
    ['with a flag of a similar name', ['server', '--auth-mode-x=sso'], {}, ['client']],
  ])('tells its modes %s', (_, words, env, modes) => {
    expect(flags(words, env).authModes).toEqual(modes);
  });

  it.each([
    ['by default', ['server'], {}, 'workflow-controller-configmap'],
    ['in a word', ['server', '--configmap=settings'], {}, 'settings'],
    ['the last one', ['server', '--configmap=a', '--configmap', 'b'], {}, 'b'],
    ['by a variable', ['server'], { ARGO_CONFIGMAP: 'a' }, 'a'],
    ['in a word rather than by a variable', ['server', '--configmap=b'], { ARGO_CONFIGMAP: 'a' }, 'b'],
    ['by what nobody knows', ['server', '--configmap=$(NAME)'], {}, undefined],
  ])('tells its ConfigMap %s', (_, words, env, configMap) => {
    expect(flags(words, env).configMap).toBe(configMap);
  });

  it.each([
    ['alone, which Argo ignores', ['--managed-namespace=x'], {}, undefined],
    ['with --namespaced', ['--namespaced', '--managed-namespace=x'], {}, 'x'],
    ['with --namespaced=true', ['--managed-namespace', 'x', '--namespaced=true'], {}, 'x'],
    ['with --namespaced=false', ['--managed-namespace=x', '--namespaced=false'], {}, undefined],
    ['by variables', [], { ARGO_NAMESPACED: 'true', ARGO_MANAGED_NAMESPACE: 'x' }, 'x'],
    ['that is not given', ['--namespaced'], {}, undefined],
  ])('tells its managed namespace %s', (_, words, env, managed) => {
    expect(flags(['server', ...words], env).managedNamespace).toBe(managed);
  });

  it.each([
    ['no', [], {}, false],
    ['yes', [], { SSO_DELEGATE_RBAC_TO_NAMESPACE: 'true' }, true],
    ['not with --namespaced', ['--namespaced'], { SSO_DELEGATE_RBAC_TO_NAMESPACE: 'true' }, false],
    ['not with another word', [], { SSO_DELEGATE_RBAC_TO_NAMESPACE: '1' }, false],
  ])('tells whether it delegates: %s', (_, words, env, delegates) => {
    expect(flags(['server', ...words], env).delegates).toBe(delegates);
  });

  it('is looked for in the container of that name, else of that command, else the only one', () => {
    const proxy = makeContainer({ name: 'proxy', words: ['proxy'] });
    const other = makeContainer({ name: 'argo', words: ['argo', 'server'] });
    const found = (...containers: readonly ReturnType<typeof makeContainer>[]) =>
      serverContainer({ ...makeDeployment(), containers })?.name;
    expect(found(proxy, other, makeContainer())).toBe('argo-server');
    expect(found(proxy, other)).toBe('argo');
    expect(found(proxy)).toBe('proxy');
    expect(found(proxy, proxy)).toBeUndefined();
    expect(found()).toBeUndefined();
  });
});

describe('the version of Argo Server', () => {
  it.each([
    ['quay.io/argoproj/argocli:v4.1.2', { major: 4, minor: 1 }],
    ['registry:5000/argocli:3.5', { major: 3, minor: 5 }],
    ['argocli:v4.0.0-rc1@sha256:0123', { major: 4, minor: 0 }],
    ['argocli:v4.10.3-nonroot', { major: 4, minor: 10 }],
    ['argocli@sha256:0123', undefined],
    ['argocli:latest', undefined],
    ['argocli', undefined],
    ['registry:5000/argocli', undefined],
    ['argocli:v4', undefined],
    ['argocli:1.7', undefined],
    ['argocli:20260101', undefined],
  ])('is told by the tag of %s: %j', (image, version) => {
    expect(versionOfImage(image)).toEqual(version);
  });

  it('is the tag’s rather than the policy’s, and the policy’s where the tag does not tell', () => {
    const policy = makePolicy({ ...SPEC, server: { ...SPEC.server, argoVersion: '3.7' } });
    expect(argoVersion(makeDeployment(), policy)).toEqual({ major: 4, minor: 1 });
    expect(argoVersion(makeDeployment({ image: 'argocli:latest' }), policy)).toEqual({ major: 3, minor: 7 });
    expect(argoVersion(undefined, policy)).toEqual({ major: 3, minor: 7 });
    expect(argoVersion(makeDeployment({ image: 'argocli' }), makePolicy(SPEC))).toBeUndefined();
  });
});
