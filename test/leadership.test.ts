import { describe, expect, it } from 'vitest';
import { type Claim, createLeadership } from '../operator/leadership.ts';
import type { Standing } from '../operator/policy/standing.ts';

const LEADS: Standing = { state: 'Leads' };
const FOLLOWS: Standing = { state: 'Follows', lease: 'ns/lease', holder: 'another' };

function scripted({ standing = LEADS, renews = true }: { standing?: Standing; renews?: boolean } = {}) {
  let time = 0;
  let started = 0;
  let stopped = 0;
  let present = standing;
  let outlastMs = () => 0;
  /** What each renewal has carried. */
  const renewals: number[] = [];
  const leadership = createLeadership({
    now: () => time,
    startElection: asked => {
      started += 1;
      outlastMs = asked;
      return {
        isLeader: () => present.state === 'Leads',
        standing: () => present,
        renew: async () => {
          renewals.push(outlastMs());
          return renews;
        },
        stop: async () => {
          stopped += 1;
        },
      };
    },
  });
  return {
    leadership,
    renewals,
    outlastMs: () => outlastMs(),
    pass: (ms: number) => {
      time += ms;
    },
    becomes: (now: Standing) => {
      present = now;
    },
    counts: () => ({ started, stopped }),
  };
}

async function claimed(leadership: ReturnType<typeof createLeadership>, uid = 'a'): Promise<Claim> {
  const claim = await leadership.claim(uid);
  if (claim === undefined) throw new Error('nothing may be sent');
  return claim;
}

describe('leadership', () => {
  it('takes part in no election until somebody asks, and then in one', () => {
    const { leadership, counts } = scripted();
    expect(leadership.isKnownLeader()).toBe(false);
    expect(counts().started).toBe(0);
    expect(leadership.isLeader()).toBe(true);
    expect(leadership.standing('a')).toEqual(LEADS);
    expect(leadership.isKnownLeader()).toBe(true);
    expect(counts().started).toBe(1);
  });

  it('says why it does not lead, and claims nothing then', async () => {
    const { leadership, renewals } = scripted({ standing: FOLLOWS });
    expect(leadership.standing('a')).toEqual(FOLLOWS);
    expect(await leadership.claim('a')).toBeUndefined();
    expect(renewals).toEqual([]);
  });

  it('lets go at its end, and does not begin anew', async () => {
    const { leadership, counts } = scripted();
    leadership.isLeader();
    await leadership.stop();
    expect(counts()).toEqual({ started: 1, stopped: 1 });
    expect([leadership.isLeader(), leadership.standing('a').state]).toEqual([false, 'Undecided']);
    expect(await leadership.claim('a')).toBeUndefined();
    expect(counts().started).toBe(1);
  });

  it('has nothing to let go where nobody asked', async () => {
    const { leadership, counts } = scripted();
    await leadership.stop();
    expect(counts()).toEqual({ started: 0, stopped: 0 });
  });
});

describe('a claim', () => {
  it('is first told by the Lease: nobody else is to lead for a minute after the last moment at which it may be sent', async () => {
    const { leadership, renewals } = scripted();
    await claimed(leadership);
    expect(renewals).toEqual([70_000]);
  });

  it('that the Lease does not tell is none, and leaves nothing behind', async () => {
    const { leadership, outlastMs } = scripted({ renews: false });
    expect(await leadership.claim('a')).toBeUndefined();
    expect([outlastMs(), leadership.standing('a').state]).toEqual([0, 'Leads']);
  });

  it('lasts for as long as the request may take, and no longer than we lead', async () => {
    const { leadership, pass, outlastMs, becomes } = scripted();
    const { mayStill } = await claimed(leadership);
    pass(600_000);
    expect([outlastMs(), mayStill()]).toEqual([70_000, true]);
    becomes(FOLLOWS);
    expect(mayStill()).toBe(false);
  });

  it('is over with the answer', async () => {
    const { leadership, outlastMs } = scripted();
    (await claimed(leadership)).end('Known');
    expect([outlastMs(), leadership.standing('a').state]).toEqual([0, 'Leads']);
  });

  it('whose outcome is not known holds its policy for a minute, and no other', async () => {
    const { leadership, pass, outlastMs } = scripted();
    (await claimed(leadership)).end('Unknown');
    expect([leadership.standing('a').state, leadership.standing('b').state]).toEqual(['Held', 'Leads']);
    expect([outlastMs(), await leadership.claim('a')]).toEqual([60_000, undefined]);
    pass(59_999);
    expect([leadership.standing('a').state, outlastMs()]).toEqual(['Held', 1]);
    pass(1);
    expect([leadership.standing('a').state, outlastMs()]).toEqual(['Leads', 0]);
  });

  it('of the one that lasts longest is what counts for others', async () => {
    const { leadership, pass, outlastMs } = scripted();
    const [a, b] = [await claimed(leadership, 'a'), await claimed(leadership, 'b')];
    a.end('Unknown');
    pass(20_000);
    expect(outlastMs()).toBe(70_000);
    b.end('Unknown');
    expect(outlastMs()).toBe(60_000);
    pass(50_000);
    expect([outlastMs(), leadership.standing('a').state]).toEqual([10_000, 'Leads']);
  });

  it('is held no longer than a minute by a clock that is set back', async () => {
    const { leadership, pass, outlastMs } = scripted();
    (await claimed(leadership)).end('Unknown');
    pass(-3_600_000);
    expect(outlastMs()).toBe(60_000);
    pass(60_000);
    expect(leadership.standing('a').state).toBe('Leads');
  });

  it('says why we do not lead where we do not, whatever is held', async () => {
    const { leadership, becomes } = scripted();
    (await claimed(leadership)).end('Unknown');
    becomes(FOLLOWS);
    expect(leadership.standing('a')).toEqual(FOLLOWS);
  });
});
