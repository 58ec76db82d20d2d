import { describe, expect, it } from 'vitest';
import { ruleClaims } from '../../operator/argo/claims.ts';

describe('the names that a rule can use', () => {
  it('are the claims that Argo Server copies, its own issuer and the end of the session', () => {
    const token = {
      sub: 'id',
      groups: ['/a'],
      email: 'a@example.com',
      name: 'A',
      preferred_username: 'a',
      email_verified: true,
      azp: 'client',
      iss: 'https://keycloak.example.com/realms/r',
    };
    expect(ruleClaims(token, 17)).toEqual({
      iss: 'argo-server',
      exp: 17,
      sub: 'id',
      groups: ['/a'],
      email: 'a@example.com',
      name: 'A',
      preferred_username: 'a',
    });
  });

  it.each([[[]], [null], [undefined]])('do not include groups that are %j', groups => {
    const token = { sub: 'id', email: '', ...(groups !== undefined && { groups }) };
    expect(ruleClaims(token, 17)).toEqual({ iss: 'argo-server', exp: 17, sub: 'id' });
  });
});
