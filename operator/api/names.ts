/** Field manager of every write to Kubernetes. */
export const FIELD_MANAGER = 'argo-access-operator';
/** Finalizer on a policy; goes only after every removal was seen. */
export const FINALIZER = 'argo-access.io/cleanup';

/** Label on what a policy owns: the policy's uid. Proves ownership. */
export const LABEL_POLICY_UID = 'argo-access.io/policy-uid';
/** Label on what a policy owns: the policy's name, for people. */
export const LABEL_POLICY = 'argo-access.io/policy';
/** Label on what a policy owns: the policy's namespace, for people. */
export const LABEL_POLICY_NAMESPACE = 'argo-access.io/policy-namespace';

/** Annotation by which whoever may edit an object consents to its take-over by the named policy. */
export const ANNOTATION_ADOPT_BY = 'argo-access.io/adopt-by';
/** Annotation on the client's Secret: counts the values that it has held. */
export const ANNOTATION_REVISION = 'argo-access.io/revision';

/** Argo's annotation with the rule of a ServiceAccount (argo-workflows, docs/argo-server-sso.md). */
export const ARGO_RULE = 'workflows.argoproj.io/rbac-rule';
/** Argo's annotation with the precedence of a rule; higher is tried first. */
export const ARGO_PRECEDENCE = 'workflows.argoproj.io/rbac-rule-precedence';
/** Argo's annotation that names the token Secret of a ServiceAccount. */
export const ARGO_TOKEN_NAME = 'workflows.argoproj.io/service-account-token.name';

/** Attribute of a Keycloak client: `<instanceId>/<namespace>/<name>` of the policy that owns it. */
export const ATTRIBUTE_OWNER = 'argo-access.io/owner';
/** Attribute of a Keycloak client: uid of the kube-system namespace of the owner's cluster. */
export const ATTRIBUTE_CLUSTER = 'argo-access.io/cluster';
/** Attribute of a Keycloak client: `true` when it existed before and was adopted. */
export const ATTRIBUTE_ADOPTED = 'argo-access.io/adopted';
