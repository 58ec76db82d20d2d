import type { RuleEngine } from '../../argo/engine.ts';
import type { Cluster, LiveOptions } from '../live/cluster.ts';
import type { KeycloakAccess } from '../live/keycloak.ts';
import type { Said } from './keycloak.ts';

/** Options of the command. */
export interface AdoptOptions extends LiveOptions, Said {
  readonly config?: string;
  /** Name of the policy. */
  readonly name: string;
  /** Name of Argo Server's Deployment. */
  readonly deployment: string;
  /** Prints the commands of consent alone. */
  readonly annotate?: boolean;
}

/** What describing needs. */
export interface Access {
  readonly cluster: Cluster;
  readonly keycloak: KeycloakAccess | undefined;
  readonly engine: RuleEngine;
  readonly options: AdoptOptions;
  readonly note: (text: string) => void;
}
