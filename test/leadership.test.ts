import { describe, expect, it } from 'vitest';
import { createLeadership } from '../operator/leadership.ts';

function scripted(leads = true) {
  let time = 0;
  let started = 0;
  let stopped = 0;
  const leadership = createLeadership({
    now: () => time,
    startElection: () => {
      started += 1;
      return {
        isLeader: () => leads,
        stop: async () => {
          stopped += 1;
        },
      };
    },
  });
  return {
    leadership,
    pass: (ms: number) => {
      time += ms;
    },
    counts: () => ({ started, stopped }),
  };
}

describe('leadership', () => {
  it('takes part in no election until somebody asks, and then in one', () => {
    const { leadership, counts } = scripted();
    expect(leadership.isKnownLeader()).toBe(false);
    expect(counts().started).toBe(0);
    expect(leadership.isLeader()).toBe(true);
    expect(leadership.leads('a')).toBe(true);
    expect(leadership.isKnownLeader()).toBe(true);
    expect(counts().started).toBe(1);
  });

  it('leads nothing where another one does', () => {
    const { leadership } = scripted(false);
    expect(leadership.leads('a')).toBe(false);
  });

  it('holds a policy for a minute after a request whose outcome is not known, and no other', () => {
    const { leadership, pass } = scripted();
    leadership.hold('a');
    expect([leadership.leads('a'), leadership.leads('b')]).toEqual([false, true]);
    pass(59_999);
    expect(leadership.leads('a')).toBe(false);
    pass(1);
    expect(leadership.leads('a')).toBe(true);
  });

  it('lets go at its end, and does not begin anew', async () => {
    const { leadership, counts } = scripted();
    leadership.isLeader();
    await leadership.stop();
    expect(counts()).toEqual({ started: 1, stopped: 1 });
    expect(leadership.isLeader()).toBe(false);
    expect(counts().started).toBe(1);
  });

  it('has nothing to let go where nobody asked', async () => {
    const { leadership, counts } = scripted();
    await leadership.stop();
    expect(counts()).toEqual({ started: 0, stopped: 0 });
  });
});
