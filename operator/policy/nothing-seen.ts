import type { GroupFilterVerdict, Observation, ServerObservation } from './observation.ts';

/** The verdict on a group filter that filters nothing. */
export const NOTHING_FILTERED: GroupFilterVerdict = { invalid: [], dropped: [] };

/** What is known of Argo Server where a policy names none. */
export const NO_SERVER: ServerObservation = {
  configMap: undefined,
  deployment: undefined,
  missingAccess: undefined,
  groupFilter: NOTHING_FILTERED,
  delegating: [],
  cookieKey: undefined,
};

/** What is observed around a policy where there is nothing yet, and Keycloak is not asked. */
export const NOTHING_SEEN = {
  endingNamespaces: new Set(),
  unread: [],
  outOfSight: [],
  contested: [],
  crdEnding: false,
  accounts: [],
  secrets: [],
  bindings: [],
  verdicts: new Map(),
  expressions: new Map(),
  keycloak: { state: 'NotAsked' },
  server: NO_SERVER,
  proof: undefined,
} as const satisfies Partial<Observation>;
