import { stringify } from 'yaml';
import { type OperatorAccount, renderRights } from '../../rbac.ts';
import { readConfig } from '../config-file.ts';

const HEADER = `# Kubernetes rights of the argo-access operator, generated from its configuration by \`argo-access rbac\`.
# Do not edit: change the configuration and generate this again. When a namespace is no longer named there, its
# Role and RoleBinding are to be deleted; all carry the label app.kubernetes.io/managed-by=argo-access-rbac. Before
# that, take the namespace out of the policies that grant in it: what was granted cannot be taken back without rights.
`;

/** The rights for a configuration file, as YAML for `kubectl apply`. */
export async function rbac(configFile: string, account: OperatorAccount): Promise<string> {
  const objects = renderRights(await readConfig(configFile), account);
  const documents = objects.map(object => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }));
  return `${HEADER}${documents.map(document => `---\n${document}`).join('')}`;
}
