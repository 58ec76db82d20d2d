import { describe, expect, it } from 'vitest';
import { errorFromAnswer, errorFromFailure } from '../../operator/kubernetes/errors.ts';

const SECRET = 'PUT /api/v1/namespaces/n/secrets/s';

function answer(status: object): string {
  return JSON.stringify({ kind: 'Status', status: 'Failure', ...status });
}

describe('the error for an answer', () => {
  it.each([
    { status: 400, kind: 'Invalid' },
    { status: 401, kind: 'Unauthorized' },
    { status: 403, kind: 'Forbidden' },
    { status: 404, kind: 'NotFound' },
    { status: 409, kind: 'Conflict' },
    { status: 410, kind: 'Gone' },
    { status: 413, kind: 'Invalid' },
    { status: 422, kind: 'Invalid' },
    { status: 429, kind: 'TooManyRequests' },
    { status: 302, kind: 'Unavailable' },
    { status: 500, kind: 'Unavailable' },
    { status: 503, kind: 'Unavailable' },
    { status: 504, kind: 'Unavailable' },
  ])('$status without a word is $kind', ({ status, kind }) => {
    const error = errorFromAnswer('GET /x', status, '<html>');
    expect(error).toMatchObject({ kind, status, message: `GET /x: status ${status}` });
  });

  it('takes the wait from the body, else from the header, which comes alone from a server that is too busy', () => {
    const body = answer({ details: { retryAfterSeconds: 7 } });
    expect(errorFromAnswer('GET /x', 429, body, '3').retryAfter).toBe(7);
    expect(errorFromAnswer('GET /x', 429, 'Too many requests, please try again later.\n', '3')).toMatchObject(
      {
        kind: 'TooManyRequests',
        retryAfter: 3,
      },
    );
    expect(errorFromAnswer('GET /x', 503, '', 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfter).toBeUndefined();
    expect(errorFromAnswer('GET /x', 503, '').retryAfter).toBeUndefined();
  });

  it('repeats what the server says of anything but a Secret', () => {
    const error = errorFromAnswer('GET /x', 422, answer({ message: 'spec.url: Invalid value: "x"' }));
    expect(error.message).toBe('GET /x: spec.url: Invalid value: "x"');
  });

  it.each([400, 413, 422, 500])('names only the fields of a Secret that is refused with %i', status => {
    const text = answer({
      message: 'Secret "s" is invalid: data[k]: Invalid value: "aHVudGVyMg=="',
      details: { causes: [{ message: 'Invalid value: "aHVudGVyMg=="', field: 'data[k]' }] },
    });
    const error = errorFromAnswer(SECRET, status, text);
    expect(error.message).toBe(`${SECRET}: status ${status} because of data[k]`);
    expect(JSON.stringify({ ...error, stack: error.stack })).not.toContain('aHVudGVyMg');
  });

  it('does not repeat what is said of a Secret without naming a field', () => {
    const error = errorFromAnswer(SECRET, 400, answer({ message: 'cannot decode "aHVudGVyMg=="' }));
    expect(error.message).toBe(`${SECRET}: status 400`);
  });

  it.each([
    'admission webhook "w.example.com" denied the request: "aHVudGVyMg==" is no good',
    `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "aHVudGVyMg==" is no good`,
  ])('tells who refused a Secret, without that one’s own words: %s', message => {
    const error = errorFromAnswer(SECRET, 403, answer({ reason: 'Forbidden', message }));
    expect(error.message).toMatch(/ denied (the )?request$/);
    expect(error.kind).toBe('Forbidden');
  });

  it('repeats what the server itself says of a Secret that may not be written or is not there', () => {
    const message = 'secrets "s" is forbidden: User "u" cannot update resource "secrets"';
    expect(errorFromAnswer(SECRET, 403, answer({ message })).message).toBe(`${SECRET}: ${message}`);
  });
});

describe('the error for fields that others hold', () => {
  const conflict = (manager: string, field: string) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field,
  });
  const taken = (causes: readonly object[], what = 'PATCH /x') =>
    errorFromAnswer(what, 409, answer({ reason: 'Conflict', message: 'Apply failed', details: { causes } }));

  it('names the other manager and the field, without the time of its last write', () => {
    expect(taken([conflict('"kubectl-edit" using v1 at 2026-03-01T12:00:00Z', '.data.sso')])).toMatchObject({
      kind: 'FieldTaken',
      status: 409,
      message: 'PATCH /x: .data.sso is managed by "kubectl-edit"',
    });
  });

  it('names all of them', () => {
    const causes = [
      conflict('"z"', '.data.sso'),
      conflict('"a \\"b\\"" with subresource "status" using v1', '.data.sso'),
      conflict('"z"', '.data.x'),
    ];
    expect(taken(causes).message).toBe(
      'PATCH /x: .data.sso is managed by "a \\"b\\"" and "z", .data.x is managed by "z"',
    );
  });

  it('is the same for one that the server says less of, and for a Secret', () => {
    expect(taken([{ reason: 'FieldManagerConflict' }], SECRET).message).toBe(
      `${SECRET}: a field is managed by another field manager`,
    );
  });
});

describe('the error for a request without an answer', () => {
  it('says how long was waited', () => {
    const error = errorFromFailure('GET /x', new DOMException('aborted', 'TimeoutError'), 1500);
    expect(error).toMatchObject({ kind: 'Unavailable', message: 'GET /x: no answer within 1.5 s' });
  });

  it.each([
    {
      error: new TypeError('fetch failed', {
        cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      }),
      says: 'ECONNREFUSED',
    },
    { error: Object.assign(new Error('no such file /secret/path'), { code: 'ENOENT' }), says: 'ENOENT' },
    { error: new TypeError('something with Bearer abc'), says: 'TypeError' },
    { error: 'text', says: 'unknown error' },
  ])('says only the code: $says', ({ error, says }) => {
    expect(errorFromFailure('GET /x', error, 1).message).toBe(`GET /x: ${says}`);
  });
});
