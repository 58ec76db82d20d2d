import { type Check, fail, type Outcome, pass, unknown } from './finding.ts';
import { type DoctorSnapshot, orUndefined } from './snapshot.ts';

/** Codes of Node's TLS layer about certificates: Argo Server may trust others than this machine. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_/;

/** Argo Server reads the discovery document at its start, and stops where it does not get it. */
function issuer(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block, issuer: asked } = snapshot;
  const said = block?.issuer ?? '';
  if (said === '') return [];
  const object = `issuer ${said}`;
  if ('unknown' in asked) return [unknown(object, asked.unknown)];
  const { problem, named, code = '', status = 0 } = asked.known;
  if (problem === undefined) return [pass(object, 'answers, and names itself')];
  if (named !== undefined) {
    return [
      fail(
        object,
        `the issuer is not the one of the settings, and Argo Server does not start with that: ${problem}`,
        `set sso.issuer to ${named}, letter by letter; or correct Keycloak's hostname`,
      ),
    ];
  }
  if (UNTRUSTED.test(code) && block?.rootCA === undefined) {
    return [
      unknown(
        object,
        `whether Argo Server trusts the issuer's certificate, which is not trusted here, cannot be told: ${problem}. ` +
          'NODE_EXTRA_CA_CERTS names a file with certificates to trust here',
      ),
    ];
  }
  if (status >= 300 && status < 400) {
    const message = `whether Argo Server gets the discovery document, for which it follows redirects, cannot be told: ${problem}`;
    return [unknown(object, message)];
  }
  return [
    fail(
      object,
      `the issuer does not answer, without which Argo Server does not start: ${problem}`,
      "bring Keycloak back, or correct sso.issuer: it is Keycloak's address with /realms/NAME behind it. Where only this machine " +
        'cannot reach it, run the command from one that can',
    ),
  ];
}

/** What is to be done, by what Keycloak says in its words or codes. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/redirect_uri/i, "add sso.redirectUrl to the client's Valid redirect URIs, or correct sso.redirectUrl"],
  [/invalid_scope|invalid scopes/i, 'take the scopes out of sso.scopes that the client does not have'],
  [
    /code_challenge|pkce/i,
    "Argo Server does not do PKCE: clear the client's Proof Key for Code Exchange method",
  ],
  [/not allowed to initiate|unauthorized_client|Standard flow/i, "switch the client's Standard flow on"],
  [/not found/i, 'make the client in this realm, or correct its id in the Secret'],
  [/disabled/i, 'enable the client'],
];

function remedyFor(words: string): string {
  const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(words)) ?? [];
  return remedy ?? "see the realm's events of type LOGIN_ERROR, and the client's settings";
}

/** Where Argo Server sends people to sign in. */
function loginPage(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { loginPage: asked, keycloak } = snapshot;
  const clientId = orUndefined(keycloak)?.clientId;
  const object = clientId === undefined ? 'login page' : `client ${clientId}`;
  if ('unknown' in asked) return asked.unknown === '' ? [] : [unknown(object, asked.unknown)];
  const answer = asked.known;
  switch (answer.kind) {
    case 'login':
      return [pass(object, 'Keycloak shows its login page')];
    case 'none':
      return [unknown(object, `Keycloak's login page does not answer: ${answer.why}`)];
    case 'refused': {
      const words = [answer.error, answer.description].filter(part => part !== '').join(': ');
      return [fail(object, `Keycloak refuses every login of Argo Server: ${words}`, remedyFor(words))];
    }
    case 'error': {
      const words = answer.words === '' ? `status ${answer.status}` : answer.words;
      return [fail(object, `Keycloak shows an error in place of its login page: ${words}`, remedyFor(words))];
    }
  }
}

/** The way to Keycloak. */
export const ISSUER_CHECKS: readonly Check[] = [
  { id: 'issuer', subject: 'issuer', judge: issuer },
  { id: 'login-page', subject: 'issuer', judge: loginPage },
];
