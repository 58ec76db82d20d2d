/** Field manager of every write to Kubernetes. */
export const FIELD_MANAGER = 'argo-access-operator';
/** Name of the Lease that the leading operator holds, in its own namespace; `-<instanceId>` follows. */
export const LEASE_NAME = 'argo-access-operator';
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

/** Annotation on the client's Secret: Keycloak's creation time of the value that it took over last, RFC 3339. */
export const ANNOTATION_SECRET_CREATED = 'argo-access.io/secret-created-at';
/** Annotation on the client's Secret: when the value is taken to have come, by the operator's clock, RFC 3339. */
export const ANNOTATION_SECRET_SINCE = 'argo-access.io/secret-since';
/** Annotation on the client's Secret: the last request to rotate that was met, as it was written. */
export const ANNOTATION_ROTATE_HANDLED = 'argo-access.io/rotate-handled';
/** Annotation by which people ask for a new secret on a policy: a time, RFC 3339; each value acts once. */
export const ANNOTATION_ROTATE_REQUESTED = 'argo-access.io/rotate-requested-at';
/** Annotation on the pod template of Argo Server's Deployment: what its pods have read at their start. */
export const ANNOTATION_ROLLED = 'argo-access.io/sso-revision';

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
